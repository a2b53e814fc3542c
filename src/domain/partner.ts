import type { Json } from './claims.ts'
import type { OriginalRequest } from './original-request.ts'
import type { Secret } from './secret.ts'
import type { Instant, Seconds } from './time.ts'
import type { TokenType } from './token-type.ts'

/** A request on its way out to a partner, as far as whoever asks describes it. */
export interface OutgoingRequest extends OriginalRequest {
  /** The path as it is sent, whose escapes policy may spell otherwise: a signature is over these octets. */
  readonly sentPath: string
  /** What stands after `?`, as it is sent; empty where there is nothing. */
  readonly query: string
  /** Header fields as they will be sent, by their lower-case names. What is not named here is not signed. */
  readonly headers: Readonly<Record<string, string>>
  /** The SHA-256 of the content in lower-case hex, or `UNSIGNED-PAYLOAD`; absent: nothing is said of it. */
  readonly contentDigest?: string
}

/**
 * The identity as a partner may hear of it: whoever obtains a credential for one identity knows this and no more of it,
 * so it is the whole of what the credential can depend on.
 */
export interface Party {
  readonly type: string
  readonly subject: string
  readonly tenant?: string
  /** What the Partner document releases beside: groups, roles, entitlements and attributes by their names. */
  readonly claims: Readonly<Record<string, Json>>
}

/** A partner's answer, taken apart: what can be put on a request, and for how long it is good. */
export interface Obtained {
  /** By the names that `inject` of a Partner document knows: `access_token`, `value`, `username` … */
  readonly parts: Readonly<Record<string, Secret<string>>>
  /** The part that is the credential, where it is a token that can be handed out (RFC 8693 section 2.2.1). */
  readonly token?: PartnerToken
  /** The end that the partner states; absent: it states none. */
  readonly expiresAt?: Instant
  /** For how long it is kept where the partner states no end, or less than it states. */
  readonly keepFor?: Seconds
}

export interface PartnerToken {
  readonly part: string
  readonly type: TokenType
  /** `token_type` of the answer. */
  readonly scheme: 'Bearer' | 'DPoP' | 'N_A'
  readonly scope?: readonly string[]
}

/** Where a credential came from when it was given. */
export type CredentialSource = 'obtained' | 'kept' | 'shared' | 'stale' | 'made'

declare const obtained: unique symbol

/** What a partner accepts, for an identity that may have it. */
export interface PartnerCredential extends Obtained {
  readonly [obtained]: true
  readonly partner: string
  readonly kind: string
  /** A fingerprint: who has seen it can name the credential and cannot use it. */
  readonly id: string
  /** When it is given up at the latest: never beyond what the partner states. */
  readonly goodUntil: Instant
  readonly from: CredentialSource
}

/** States that a credential was obtained. Called by `obtain/`, nowhere else. */
export const obtainedAs = (fields: Omit<PartnerCredential, typeof obtained>): PartnerCredential =>
  fields as PartnerCredential

/** How a request has to be changed so that the partner accepts it. Names of headers are lower-case. */
export interface Presentation {
  readonly partner: string
  readonly credentialId: string
  /** Header fields to set in place of what the request has under these names. */
  readonly set: readonly (readonly [name: string, value: Secret<string>])[]
  /** Header fields to take off. */
  readonly remove: readonly string[]
  readonly query: {
    readonly set: readonly (readonly [name: string, value: Secret<string>])[]
    readonly remove: readonly string[]
  }
  /** What of the request it is made for; empty: it is good for every request of this identity to this destination. */
  readonly boundTo: readonly ('method' | 'url' | 'headers' | 'content_sha256')[]
  readonly expiresAt: Instant
}
