import type { Claims } from './claims.ts'
import type { Confirmation } from './confirmation.ts'
import type { Secret } from './secret.ts'
import type { Instant } from './time.ts'
import type { TokenType } from './token-type.ts'

/** What someone presented. Nothing in it is believed yet. (RFC 8693 sections 2.1 and 3) */
export interface Credential {
  readonly type: TokenType
  readonly raw: Secret<string>
}

/** When and how the subject proved itself to the issuer (OpenID Connect Core section 2, RFC 8176). */
export interface Authentication {
  readonly time?: Instant
  readonly acr?: string
  readonly amr?: readonly string[]
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
  /** For whom alone anything may be issued that rests on it; absent: for anybody (SAML core section 2.5.1.6). */
  readonly onwardAudiences?: readonly string[]
}

/** States that `fields` have been proven. Called by `verify/` and by the rehearsal of policy tests, nowhere else. */
export const proven = (fields: Omit<VerifiedCredential, typeof proof>): VerifiedCredential =>
  fields as VerifiedCredential
