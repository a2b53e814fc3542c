import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Clock } from '../../ports/clock.ts'
import type { Ids } from '../../ports/ids.ts'
import type { Pulse } from './admission.ts'

/** The time of day of this machine. */
export const createNodeClock = (): Clock => ({ now: () => Date.now() / 1_000 })

/** The pulse of this process. */
export const createNodePulse = (): Pulse => ({
  now: () => performance.now(),
  active: () => performance.eventLoopUtilization().active,
})

/** Random UUIDs: 122 random bits each (RFC 9562 section 5.4). */
export const createNodeIds = (): Ids => ({ next: () => randomUUID() })
