import { randomUUID } from 'node:crypto'
import type { Clock } from '../../ports/clock.ts'
import type { Ids } from '../../ports/ids.ts'

/** The time of day of this machine. */
export const createNodeClock = (): Clock => ({ now: () => Date.now() / 1_000 })

/** Random UUIDs: 122 random bits each (RFC 9562 section 5.4). */
export const createNodeIds = (): Ids => ({ next: () => randomUUID() })
