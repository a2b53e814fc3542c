import type { Instant } from '../domain/time.ts'

/**
 * Keeps texts that are encrypted already, for all who share the store. Who has a store has nothing: what is put here is a
 * compact JWE, and its key the digest of what it depends on.
 */
export interface CredentialStore {
  /** Undefined: it is not there, or its time is over. */
  get(key: string, now: Instant): Promise<string | undefined>
  /** Has kept it when it resolves. `until` may be infinite. */
  put(key: string, sealed: string, until: Instant, now: Instant): Promise<void>
  delete(key: string): Promise<void>
}
