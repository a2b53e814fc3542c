import type { Sensitivity } from './claims.ts'
import type { Confirmation } from './confirmation.ts'
import type { Delegation } from './delegation.ts'
import type { CanonicalIdentity } from './identity.ts'
import type { Onward } from './onward.ts'
import type { Instant, Seconds } from './time.ts'
import type { TokenType } from './token-type.ts'

/** What a rule grants at most. */
export interface Allowance {
  /** Exact values or globs; asked targets are matched against them. */
  readonly audiences: readonly string[]
  readonly scopes: readonly string[]
  readonly ttl: Seconds
  /** The sensitivity labels that may enter a token. */
  readonly release: readonly Sensitivity[]
  readonly profiles: readonly Profile[]
  /** `mtls`: tokens are bound to the client certificate over which they are asked for (RFC 8705 section 3). */
  readonly senderConstraint: 'none' | 'mtls'
}

/** The forms in which a canonical identity can be issued. */
export type Profile = 'access-token' | 'jwt-svid'

declare const granted: unique symbol

/** The decision: this identity, through this client, for these audiences, until then. Never wider than what was asked. */
export interface Grant {
  readonly [granted]: true
  readonly identity: CanonicalIdentity
  readonly client: string
  readonly audience: readonly string[]
  readonly scope: readonly string[]
  readonly issuedAt: Instant
  readonly expiresAt: Instant
  /** `txn` (RFC 8417 section 2.2): one id from the edge to the partner. */
  readonly transaction: string
  /** The sensitivity labels that may enter the token. */
  readonly release: readonly Sensitivity[]
  readonly tokenType: TokenType
  readonly profile: Profile
  /** The key that the token is bound to: it goes into `cnf` (RFC 7800 section 3.1). */
  readonly confirmation?: Confirmation
  /** Who acts for the subject, in this token and in those that it rests on. */
  readonly delegation?: Delegation
  /** What is left of a restriction on whom anything may be issued to that rests on this. */
  readonly onward?: Onward
}

/** States that a grant was decided. Called by `grant/`, nowhere else. */
export const grantedAs = (fields: Omit<Grant, typeof granted>): Grant => fields as Grant
