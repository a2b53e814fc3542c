import * as z from 'zod'
import type { Cores } from './cores.ts'
import { coreBusyMicroseconds, cpuMicroseconds } from './cpu-time.ts'
import type { ExchangeTarget } from './exchange-request.ts'
import type { Child } from './processes.ts'

/** What one slice showed. */
export interface Sample {
  /** CPU microseconds an operation, or whatever else the scenario compares. Less is better. */
  readonly figure: number
  readonly operations: number
  /** How much of the server's core others took meanwhile, 0 to 1; undefined where that cannot be known. */
  readonly foreignShare: number | undefined
}

/** One of those that are measured side by side. */
export interface Contender {
  readonly name: string
  slice(seconds: number): Promise<Sample>
}

/** Which tokens the slices of a contender use: each once, or the first few again and again. */
export interface TokenUse {
  readonly perSlice: number
  readonly repeat: boolean
}

/** As many as keep a server busy. */
export const busyConnections = 64
const counted = z.object({ operations: z.number().positive() })
const nothing = z.object({})

/** A contender that works for itself: it answers `work`. */
export const workingContender = (name: string, child: Child, cores: Cores | undefined): Contender => ({
  name,
  slice: (seconds) => measured(child.pid, cores, () => child.ask('work', { seconds }, counted)),
})

/** A server under load. Requests are made and connections opened before the measured part of a slice. */
export const servingContender = (
  name: string,
  server: Child,
  cores: Cores | undefined,
  load: { readonly generator: Child; readonly target: ExchangeTarget; readonly use: TokenUse },
): Contender => {
  const { generator, target, use } = load
  let first = 0
  return {
    name,
    async slice(seconds) {
      await generator.ask('arm', { ...target, first, count: use.perSlice, connections: busyConnections }, nothing)
      if (!use.repeat) first += use.perSlice
      const fire = { seconds, repeat: use.repeat, overloads: false }
      const sample = await measured(server.pid, cores, () => generator.ask('fire', fire, counted))
      await generator.ask('disarm', {}, nothing)
      return sample
    },
  }
}

/** A server under the load of so many connections: how many microseconds of the clock go by for one good answer. */
export const goodputContender = (
  name: string,
  load: {
    readonly generator: Child
    readonly target: ExchangeTarget
    readonly use: TokenUse
    readonly connections: number
  },
): Contender => ({
  name,
  async slice(seconds) {
    const { generator, target, use, connections } = load
    await generator.ask('arm', { ...target, first: 0, count: use.perSlice, connections }, nothing)
    const before = performance.now()
    const fire = { seconds, repeat: use.repeat, overloads: true }
    const { operations } = await generator.ask('fire', fire, counted)
    const elapsed = (performance.now() - before) * 1000
    await generator.ask('disarm', {}, nothing)
    return { figure: elapsed / operations, operations, foreignShare: undefined }
  },
})

const measured = async (
  pid: number,
  cores: Cores | undefined,
  work: () => Promise<{ operations: number }>,
): Promise<Sample> => {
  const before = reading(pid, cores)
  const { operations } = await work()
  const after = reading(pid, cores)
  const cpu = after.cpu - before.cpu
  const others = after.busy - before.busy - cpu
  return {
    figure: cpu / operations,
    operations,
    foreignShare: cores === undefined ? undefined : Math.max(0, others / (after.elapsed - before.elapsed)),
  }
}

const reading = (pid: number, cores: Cores | undefined) => ({
  cpu: cpuMicroseconds(pid),
  busy: cores === undefined ? 0 : coreBusyMicroseconds(cores.server),
  elapsed: performance.now() * 1000,
})
