import type { Instant } from '../domain/time.ts'

/** The time of day. Nothing else in `src` may ask for it. */
export interface Clock {
  now(): Instant
}
