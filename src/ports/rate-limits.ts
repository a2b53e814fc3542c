import type { RateLimit } from '../domain/rate-limit.ts'
import type { Instant, Seconds } from '../domain/time.ts'

/** Counts requests in sliding windows of time. However many ask at once, no more pass than the limit lets. */
export interface RateLimits {
  /**
   * Counts a request of `key`, unless that would be more than `limit` lets pass: those that are refused do not count.
   *
   * @param key what a store may hold: a digest, where it is about a person
   */
  take(key: string, limit: RateLimit, now: Instant): RateVerdict | Promise<RateVerdict>
}

/** What became of a request. */
export type RateVerdict =
  | { readonly passes: true }
  /** In how many seconds there is room again, if nobody else takes it. */
  | { readonly passes: false; readonly roomIn: Seconds }
