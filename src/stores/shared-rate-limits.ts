import type { Instant, Seconds } from '../domain/time.ts'
import type { Log } from '../ports/log.ts'
import type { RateLimits } from '../ports/rate-limits.ts'

const complainEvery: Seconds = 60

/** Counts where all instances count; while that is away each counts for itself, so that a limit still limits. */
export const sharedRateLimits = (shared: RateLimits, own: RateLimits, log: Log): RateLimits => {
  let complainedAt: Instant = Number.NEGATIVE_INFINITY
  return {
    async take(key, limit, now) {
      try {
        return await shared.take(key, limit, now)
      } catch (error) {
        if (Math.abs(now - complainedAt) >= complainEvery) {
          complainedAt = now
          const because = error instanceof Error ? error.message : 'no reason given'
          log.warn('requests are counted by each instance for itself: the state is away', { because })
        }
        return own.take(key, limit, now)
      }
    },
  }
}
