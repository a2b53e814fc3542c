import type { Authentication } from './authentication.ts'
import type { Claims } from './claims.ts'
import type { Confirmation } from './confirmation.ts'
import type { Onward } from './onward.ts'
import type { OwnToken } from './own-token.ts'
import type { Secret } from './secret.ts'
import type { Instant } from './time.ts'
import type { TokenType } from './token-type.ts'

/** What someone presented. Nothing in it is believed yet. (RFC 8693 sections 2.1 and 3) */
export interface Credential {
  readonly type: TokenType
  readonly raw: Secret<string>
}

declare const proof: unique symbol

/** What a verifier has proven, in the same shape whatever the kind of credential. */
export interface VerifiedCredential {
  readonly [proof]: true
  /** The verifier that proved it, e.g. `oidc`. */
  readonly kind: string
  readonly issuer: string
  readonly subject: string
  readonly audience: readonly string[]
  /** What conditions and expressions may read. */
  readonly claims: Claims
  /** The signed header, where the kind has one. */
  readonly header: Claims
  readonly issuedAt?: Instant
  readonly expiresAt: Instant
  /** The issuer's own identifier of this credential (`jti`), if it has one. */
  readonly id?: string
  readonly authentication?: Authentication
  /** The key that the credential is bound to: who presents it must hold it. A certificate is bound to its own. */
  readonly confirmation?: Confirmation
  /** What may be issued that rests on it; absent: its issuer does not say. */
  readonly onward?: Onward
  /** What it says of its grant, when it is a token of ours. */
  readonly own?: OwnToken
}

/** States that `fields` have been proven. Called by `verify/` and by the rehearsal of policy tests, nowhere else. */
export const proven = (fields: Omit<VerifiedCredential, typeof proof>): VerifiedCredential =>
  fields as VerifiedCredential
