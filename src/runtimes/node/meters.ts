import { Counter, Gauge, Registry } from 'prom-client'
import { type CounterName, counters, type GaugeName, gauges, type Meters } from '../../ports/meters.ts'

/** Figures in the text format of Prometheus. */
export interface NodeMeters extends Meters {
  text(): Promise<{ readonly contentType: string; readonly body: string }>
}

export const createNodeMeters = (): NodeMeters => {
  const registry = new Registry()
  const counterOf = new Map<CounterName, Counter>()
  const gaugeOf = new Map<GaugeName, Gauge>()
  for (const [name, { help, labels }] of entriesOf(counters))
    counterOf.set(name, new Counter({ name, help, labelNames: [...labels], registers: [registry] }))
  for (const [name, { help, labels }] of entriesOf(gauges))
    gaugeOf.set(name, new Gauge({ name, help, labelNames: [...labels], registers: [registry] }))
  return {
    count: (name, labels) => counterOf.get(name)?.inc({ ...labels }),
    gauge: (name, labels, value) => gaugeOf.get(name)?.set({ ...labels }, value),
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  }
}

const entriesOf = <N extends string, V>(record: Readonly<Record<N, V>>): readonly (readonly [N, V])[] =>
  Object.entries<V>(record).map(([name, value]) => [name as N, value] as const)
