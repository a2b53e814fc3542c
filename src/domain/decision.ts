import type { Presentation } from './partner.ts'
import type { ExceededLimit } from './rate-limit.ts'
import type { Reason } from './refusal.ts'
import type { Instant } from './time.ts'
import type { IssuedToken } from './token.ts'

declare const decided: unique symbol

/** What becomes of a request that a gateway asked about. */
export type Decision = Permission | Denial

/** The request may pass: as somebody, or as nobody in particular. */
export type Permission = Allowed | Unidentified

/** It may pass in the name of an identity, with a token of ours in place of the foreign credential. */
export interface Allowed {
  readonly [decided]: true
  readonly kind: 'allowed'
  /** The Gateway's name, which is the client that the token was issued to. */
  readonly gateway: string
  /** The name of the route that spoke. */
  readonly route: string
  readonly token: IssuedToken
  readonly identity: ShownIdentity
  /** Until then the same answer may be given to the same question. */
  readonly reusableUntil: Instant
}

/** What may be told of an identity beside the token: nothing that its rule does not release. */
export interface ShownIdentity {
  readonly subject: string
  readonly tenant?: string
  /** The trust map and the rule that made it. */
  readonly rule: string
  /** `txn` (RFC 8417 section 2.2). */
  readonly transaction: string
}

/** It may pass without anybody's name: it had no credential, or it is a CORS preflight, which never has one. */
export interface Unidentified {
  readonly [decided]: true
  readonly kind: 'anonymous' | 'preflight'
  readonly gateway: string
  readonly route: string
}

/** It may not pass. */
export interface Denial {
  readonly kind: 'denied'
  readonly reason: Reason
  /** The limit that it went beyond. */
  readonly exceeded?: ExceededLimit
}

/** It may go out to a partner, with the partner's credential in place of our token. */
export interface Equipped {
  readonly [decided]: true
  readonly kind: 'equipped'
  readonly gateway: string
  readonly presentation: Presentation
  /** `txn` (RFC 8417 section 2.2). */
  readonly transaction: string
  /** Until then the same answer may be given to the same question. */
  readonly reusableUntil: Instant
}

/** States that a request may pass. Called by `authorize.ts` and `egress.ts`, nowhere else. */
export const decidedAs = <P extends Permission | Equipped>(fields: Omit<P, typeof decided>): P => fields as P
