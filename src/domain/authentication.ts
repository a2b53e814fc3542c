import type { Instant } from './time.ts'

/** When and how the subject proved itself to the issuer (OpenID Connect Core section 2, RFC 8176). */
export interface Authentication {
  readonly time?: Instant
  readonly acr?: string
  readonly amr?: readonly string[]
}
