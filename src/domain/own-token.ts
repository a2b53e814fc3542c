import type { Delegation } from './delegation.ts'
import type { IdentityFields } from './identity.ts'

/** What a token of ours says of its grant. Whatever is issued for it keeps this or says less. */
export interface OwnToken {
  /** `txn` (RFC 8417 section 2.2). */
  readonly transaction: string
  readonly scope: readonly string[]
  readonly identity: IdentityFields
  readonly delegation?: Delegation
}
