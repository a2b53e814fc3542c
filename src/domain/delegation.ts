import type { Sensitivity } from './claims.ts'
import type { IdentityType } from './identity.ts'

/** A party that acts or has acted for a subject, as a token names it in `act` (RFC 8693 section 4.1). */
export type ActingParty =
  | { readonly sub: string; readonly identity_type: IdentityType }
  /** A client that has proven itself and that no trust map speaks for. */
  | { readonly client_id: string }

/** Who acts for a subject. */
export interface Delegation {
  /** Who acts now, then who acted before, the latest first. */
  readonly chain: readonly ActingParty[]
  /** The strictest label of a subject in the chain; absent when there are only clients in it. */
  readonly sensitivity?: Sensitivity
}
