import type { Instant } from '../domain/time.ts'

/**
 * Single use. `once` answers true to exactly one caller for a given namespace and id until the instant `until` has
 * passed, however many race. It throws when it cannot know; callers must then refuse.
 */
export interface ReplayGuard {
  once(namespace: string, id: string, until: Instant, now: Instant): Promise<boolean>
  /** Resolves when the guard can answer; throws when it cannot. For readiness. */
  check(): Promise<void>
}
