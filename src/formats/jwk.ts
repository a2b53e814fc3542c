import type { Claims, Json } from '../domain/claims.ts'
import type { JwsAlgorithm, Signatures, VerificationKey } from '../ports/signatures.ts'
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { FormatError } from './format-error.ts'
import { asObject } from './json.ts'
import { verificationJwk } from './signing-key.ts'

/** A key of a JWK set, imported for one algorithm. */
export interface UsableKey {
  readonly kid?: string
  readonly key: VerificationKey
}

type Importer = Pick<Signatures, 'supported' | 'importPublicKey'>

/** How many keys of a set are looked at. */
const maxKeys = 100

/**
 * The keys of a JWK set (RFC 7517 section 5) that can verify signatures under one of `algorithms`, each imported once
 * for every algorithm it may serve: an RSA key without `alg` serves every RSA algorithm allowed, an Ed25519 key both
 * names of its algorithm (RFC 9864 section 2.2), an ML-DSA key must name its own.
 *
 * Nothing in a set makes this throw; what cannot be used is skipped:
 * - symmetric keys, keys for encryption (`use`, `key_ops`), keys whose `alg` or curve is none of `algorithms`;
 * - keys that show their private part: with no secret left, anybody could have signed;
 * - RSA outside 2048 to 8192 bits, with an exponent below 65537, or from the generator of CVE-2017-15361;
 * - Ed25519 points of small order, under which one signature fits many messages; points off the curve;
 * - members that are not base64url in the one spelling that their value has.
 */
export const usableKeys = async (
  jwks: Claims,
  algorithms: readonly JwsAlgorithm[],
  signatures: Importer,
): Promise<readonly UsableKey[]> => {
  const list: readonly Json[] = Array.isArray(jwks['keys']) ? jwks['keys'] : []
  const wanted = algorithms.filter((algorithm) => signatures.supported.has(algorithm))
  const keys = list.slice(0, maxKeys).map((jwk) => importEach(asObject(jwk) ?? {}, wanted, signatures))
  return (await Promise.all(keys)).flat()
}

const importEach = async (
  jwk: Claims,
  wanted: readonly JwsAlgorithm[],
  signatures: Importer,
): Promise<readonly UsableKey[]> => {
  const { kid } = jwk
  if (!isForVerifying(jwk) || (kid !== undefined && typeof kid !== 'string')) return []
  const imports = await Promise.allSettled(wanted.map((algorithm) => importFor(jwk, algorithm, signatures)))
  return imports
    .filter((result) => result.status === 'fulfilled')
    .map(({ value: key }) => (kid === undefined ? { key } : { kid, key }))
}

const isForVerifying = ({ use, key_ops: operations }: Claims): boolean =>
  (use === undefined || use === 'sig') &&
  (operations === undefined || (Array.isArray(operations) && operations.includes('verify')))

const importFor = async (jwk: Claims, algorithm: JwsAlgorithm, signatures: Importer): Promise<VerificationKey> => {
  const members = verificationJwk(jwk, algorithm)
  if (Object.keys(members).some((name) => members[name] !== jwk[name]))
    throw new FormatError('a member of the key is not in its canonical form')
  if (members['kty'] === 'RSA' && numberOf(members['e']) < leastExponent)
    throw new FormatError(`an RSA exponent is at least ${leastExponent}`)
  if (members['crv'] === 'Ed25519' && isOfSmallOrder(members['x'])) throw new FormatError('the point is of small order')
  return signatures.importPublicKey(members, algorithm)
}

/** NIST SP 800-56B section 6.2; smaller ones make every fault in a padding check fatal. */
const leastExponent = 65_537

const bytesOf = (text: Json | undefined): Uint8Array => decodeBase64url(typeof text === 'string' ? text : '')

const numberOf = (text: Json | undefined): number => bytesOf(text).reduce((sum, byte) => sum * 256 + byte, 0)

/** The y coordinates of the points of order 1, 2, 4 and 8, the sign bit cleared, and those that spell one a second way. */
const smallOrder: ReadonlySet<string> = new Set([
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU',
  'xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o',
  '7P_______________________________________38',
  '7f_______________________________________38',
  '7v_______________________________________38',
])

const isOfSmallOrder = (x: Json | undefined): boolean => {
  const y = bytesOf(x)
  y[31] = (y[31] ?? 0) & 0x7f
  return smallOrder.has(encodeBase64url(y))
}
