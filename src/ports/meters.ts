/** What is counted and measured, each under a closed list of labels. Labels hold names from the documents and fixed words. */

interface Counters {
  readonly dragoman_partner_calls_total: { readonly partner: string; readonly outcome: CallOutcome }
  readonly dragoman_partner_credentials_total: { readonly partner: string; readonly source: string }
  readonly dragoman_secret_used_total: { readonly partner: string; readonly secret: string; readonly slot: string }
  readonly dragoman_secret_refused_total: { readonly partner: string; readonly secret: string; readonly slot: string }
}

interface Gauges {
  readonly dragoman_partner_circuit_open: { readonly partner: string }
  readonly dragoman_partner_calls_in_flight: { readonly partner: string }
}

export type CounterName = keyof Counters
export type GaugeName = keyof Gauges

/** What came of a call of a partner. */
export type CallOutcome = 'answered' | 'refused' | 'invalid' | 'timeout' | 'unavailable' | 'circuit_open' | 'overloaded'

/** Where figures go. Never waits and never throws. */
export interface Meters {
  count<N extends CounterName>(name: N, labels: Counters[N]): void
  gauge<N extends GaugeName>(name: N, labels: Gauges[N], value: number): void
}

interface Description {
  readonly help: string
  readonly labels: readonly string[]
}

export const counters: Readonly<Record<CounterName, Description>> = {
  dragoman_partner_calls_total: {
    help: 'Calls of partners, by what came of them.',
    labels: ['partner', 'outcome'],
  },
  dragoman_partner_credentials_total: {
    help: 'Credentials given, by where they came from.',
    labels: ['partner', 'source'],
  },
  dragoman_secret_used_total: {
    help: 'Secrets presented, by slot: a slot that is not used any more can go.',
    labels: ['partner', 'secret', 'slot'],
  },
  dragoman_secret_refused_total: {
    help: 'Secrets that a partner did not take, by slot.',
    labels: ['partner', 'secret', 'slot'],
  },
}

export const gauges: Readonly<Record<GaugeName, Description>> = {
  dragoman_partner_circuit_open: { help: '1 while a partner is left alone after failures.', labels: ['partner'] },
  dragoman_partner_calls_in_flight: { help: 'Calls of partners under way.', labels: ['partner'] },
}

/** For who has nobody to show figures to. */
export const silentMeters: Meters = { count: () => undefined, gauge: () => undefined }
