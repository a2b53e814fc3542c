import type { Seconds } from './time.ts'

/** How many requests there may be in a sliding window of time. */
export interface RateLimit {
  readonly requests: number
  readonly per: Seconds
}

/** A limit that a request would have gone beyond. */
export interface ExceededLimit {
  /** Whose requests it counts. */
  readonly of: 'gateway' | 'subject'
  readonly limit: RateLimit
  /** After how many whole seconds a request may pass, if nobody else makes one. */
  readonly retryAfter: Seconds
}
