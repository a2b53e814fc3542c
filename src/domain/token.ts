import type { Secret } from './secret.ts'
import type { Instant, Seconds } from './time.ts'
import type { TokenType } from './token-type.ts'

/** A token of ours, ready to be handed out (RFC 8693 section 2.2.1). */
export interface IssuedToken {
  readonly value: Secret<string>
  readonly id: string
  readonly type: TokenType
  /** `N_A`: it is not an access token, so how to use it is not said here (RFC 8693 section 2.2.1). */
  readonly scheme: 'Bearer' | 'N_A'
  readonly scope: readonly string[]
  readonly expiresAt: Instant
  readonly expiresIn: Seconds
}
