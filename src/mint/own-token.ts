import type { Claims } from '../domain/claims.ts'
import type { Instant } from '../domain/time.ts'
import { FormatError } from '../formats/format-error.ts'
import { type CompactJws, claimsOf, parseCompactJws } from '../formats/jws.ts'
import { HeaderError, type SignatureHeader, signatureHeader } from '../formats/jws-header.ts'
import { jwsAlgorithms, type Signatures } from '../ports/signatures.ts'
import type { KeySet } from '../sources/key-sets.ts'
import { checkSignature } from '../sources/signature-check.ts'

/** What must be known to recognize a token of ours. */
export interface OwnTokenContext {
  /** Our issuer identifier. */
  readonly issuer: string
  readonly keys: KeySet
  readonly now: Instant
  readonly signatures: Signatures
}

const maxLength = 16_384

/**
 * The claims of an access token that we issued and that is good now; undefined for everything else: another's, another
 * kind, expired, tampered with, under a key that is published no more.
 */
export const ownAccessToken = async (
  token: string,
  { issuer, keys, now, signatures }: OwnTokenContext,
): Promise<Claims | undefined> => {
  const jws = token.length > maxLength ? undefined : taken(token)
  const header = jws && acceptable(jws)
  if (jws === undefined || header === undefined || jws.header['typ'] !== 'at+jwt') return undefined
  const { holds } = await checkSignature(jws, header, keys, signatures, now)
  if (!holds) return undefined
  const claims = claimsOf(jws)
  const { iss, exp } = claims
  return iss === issuer && typeof exp === 'number' && now < exp ? claims : undefined
}

const taken = (token: string): CompactJws | undefined => {
  try {
    return parseCompactJws(token)
  } catch (cause) {
    if (cause instanceof FormatError) return undefined
    throw cause
  }
}

const acceptable = ({ header }: CompactJws): SignatureHeader | undefined => {
  try {
    return signatureHeader(header, jwsAlgorithms)
  } catch (cause) {
    if (cause instanceof HeaderError) return undefined
    throw cause
  }
}
