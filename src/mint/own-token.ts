import type { Claims } from '../domain/claims.ts'
import type { Instant } from '../domain/time.ts'
import { FormatError } from '../formats/format-error.ts'
import { type CompactJws, claimsOf, parseCompactJws } from '../formats/jws.ts'
import { HeaderError, signatureHeader } from '../formats/jws-header.ts'
import type { JwsAlgorithm, Signatures, VerificationKey } from '../ports/signatures.ts'
import { jwksOf, type Keyring } from './keyring.ts'

/** What must be known to recognize a token of ours. */
export interface OwnTokenContext {
  /** Our issuer identifier. */
  readonly issuer: string
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
  keyring: Keyring,
  context: OwnTokenContext,
): Promise<Claims | undefined> => {
  const jws = token.length > maxLength ? undefined : taken(token)
  if (jws === undefined || jws.header['typ'] !== 'at+jwt') return undefined
  const key = await keyFor(jws, keyring, context)
  if (key === undefined || !(await context.signatures.verify(key, jws.signingInput, jws.signature))) return undefined
  const claims = claimsOf(jws)
  const { iss, exp } = claims
  return iss === context.issuer && typeof exp === 'number' && context.now < exp ? claims : undefined
}

const taken = (token: string): CompactJws | undefined => {
  try {
    return parseCompactJws(token)
  } catch (cause) {
    if (cause instanceof FormatError) return undefined
    throw cause
  }
}

/** Keys of ours, imported for verifying; a keyring keeps its JWKs for as long as it lives. */
const imported = new WeakMap<Claims, Promise<VerificationKey>>()

const keyFor = async (jws: CompactJws, keyring: Keyring, { now, signatures }: OwnTokenContext) => {
  const published = jwksOf(keyring, now).keys.find(({ kid }) => kid === jws.header['kid'])
  const algorithm = published?.['alg'] as JwsAlgorithm | undefined
  if (published === undefined || algorithm === undefined || !isAcceptable(jws, algorithm)) return undefined
  const key = imported.get(published) ?? signatures.importPublicKey(published, algorithm)
  imported.set(published, key)
  return key
}

const isAcceptable = ({ header }: CompactJws, algorithm: JwsAlgorithm): boolean => {
  try {
    return signatureHeader(header, [algorithm]).alg === algorithm
  } catch (cause) {
    if (cause instanceof HeaderError) return false
    throw cause
  }
}
