import type { RateLimit } from '../domain/rate-limit.ts'
import type { Instant, Seconds } from '../domain/time.ts'

/**
 * A window that slides: of the stretch of time before this one its requests count for the share that is still inside, as
 * if they had come evenly.
 */
export interface Count {
  /** Which stretch this is: they follow each other without a gap, each as long as the limit's time. */
  readonly stretch: number
  /** The requests of this stretch, and of the one before it. */
  readonly current: number
  readonly previous: number
}

export const noCount: Count = { stretch: Number.NEGATIVE_INFINITY, current: 0, previous: 0 }

export const stretchAt = ({ per }: RateLimit, now: Instant): number => Math.floor(now / per)

/** The count as it is in `stretch`. A clock that is put back leaves it where it is. */
export const movedOn = (count: Count, stretch: number): Count =>
  stretch <= count.stretch
    ? count
    : { stretch, current: 0, previous: stretch === count.stretch + 1 ? count.current : 0 }

const elapsedOf = ({ stretch }: Count, { per }: RateLimit, now: Instant): number =>
  Math.min(1, Math.max(0, now / per - stretch))

export const hasRoom = (count: Count, limit: RateLimit, now: Instant): boolean =>
  count.previous * (1 - elapsedOf(count, limit, now)) + count.current < limit.requests

/** As soon as enough of the stretch before has slid out; or else of this one, once the next has begun. */
export const untilRoom = (count: Count, limit: RateLimit, now: Instant): Seconds => {
  const { current, previous } = count
  const { requests, per } = limit
  const from = current < requests ? 1 - (requests - current) / previous : 2 - requests / current
  return Math.max(0, from - elapsedOf(count, limit, now)) * per
}
