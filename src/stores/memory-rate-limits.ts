import { LRUCache } from 'lru-cache'
import type { RateLimit } from '../domain/rate-limit.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import type { RateLimits } from '../ports/rate-limits.ts'

/** The requests of one key in this stretch of time and in the one before it. */
interface Count {
  /** Which stretch this is: they follow each other without a gap, each as long as the limit's time. */
  stretch: number
  current: number
  previous: number
}

/** How many keys are counted. Who asks most often is forgotten last. */
const maxKeys = 100_000

/**
 * Counts in memory. The window slides: of the stretch of time before this one its requests count for the share that is
 * still inside, as if they had come evenly. A new key costs some 100 bytes, whatever its limit.
 */
export const createMemoryRateLimits = (capacity = maxKeys): RateLimits => {
  const counts = new LRUCache<string, Count>({ max: capacity })
  return {
    take(key, limit, now) {
      const name = `${limit.per} ${key}`
      const count = counts.get(name) ?? { stretch: Number.NEGATIVE_INFINITY, current: 0, previous: 0 }
      moveOn(count, Math.floor(now / limit.per))
      if (!hasRoom(count, limit, now)) return { passes: false, roomIn: untilRoom(count, limit, now) }
      count.current += 1
      counts.set(name, count)
      return { passes: true }
    },
  }
}

/** A clock that is put back leaves the count where it is. */
const moveOn = (count: Count, stretch: number): void => {
  if (stretch <= count.stretch) return
  count.previous = stretch === count.stretch + 1 ? count.current : 0
  count.current = 0
  count.stretch = stretch
}

const elapsedOf = ({ stretch }: Count, { per }: RateLimit, now: Instant): number =>
  Math.min(1, Math.max(0, now / per - stretch))

const hasRoom = (count: Count, limit: RateLimit, now: Instant): boolean =>
  count.previous * (1 - elapsedOf(count, limit, now)) + count.current < limit.requests

/** As soon as enough of the stretch before has slid out; or else of this one, once the next has begun. */
const untilRoom = (count: Count, limit: RateLimit, now: Instant): Seconds => {
  const { current, previous } = count
  const { requests, per } = limit
  const from = current < requests ? 1 - (requests - current) / previous : 2 - requests / current
  return Math.max(0, from - elapsedOf(count, limit, now)) * per
}
