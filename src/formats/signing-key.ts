import type { Claims } from '../domain/claims.ts'
import type { JwsAlgorithm } from '../ports/signatures.ts'
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { FormatError } from './format-error.ts'

/** What a key must look like for an algorithm. `size` counts the octets of a coordinate or of an encoded public key. */
type Shape =
  | { readonly kty: 'RSA' }
  | { readonly kty: 'EC' | 'OKP'; readonly crv: string; readonly size: number }
  | { readonly kty: 'AKP'; readonly size: number }

const rsa: Shape = { kty: 'RSA' }
const ed25519: Shape = { kty: 'OKP', crv: 'Ed25519', size: 32 }

/** RFC 7518 sections 3.3 to 3.5, RFC 8037, RFC 9864, ML-DSA for JOSE (FIPS 204 section 4). */
const shapes: Readonly<Record<JwsAlgorithm, Shape>> = {
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
  ES256: { kty: 'EC', crv: 'P-256', size: 32 },
  ES384: { kty: 'EC', crv: 'P-384', size: 48 },
  ES512: { kty: 'EC', crv: 'P-521', size: 66 },
  EdDSA: ed25519,
  Ed25519: ed25519,
  'ML-DSA-44': { kty: 'AKP', size: 1312 },
  'ML-DSA-65': { kty: 'AKP', size: 1952 },
  'ML-DSA-87': { kty: 'AKP', size: 2592 },
}

const publicMembers = { RSA: ['e', 'n'], EC: ['crv', 'x', 'y'], OKP: ['crv', 'x'], AKP: ['alg', 'pub'] } as const
const privateMembers = { RSA: ['d', 'p', 'q', 'dp', 'dq', 'qi'], EC: ['d'], OKP: ['d'], AKP: ['priv'] } as const

/** The octets of a private scalar or seed. */
const seedSize = 32

/**
 * The public members of `jwk`, checked and in canonical form; all other members are left behind. Accepts a private key
 * and yields its public half.
 *
 * @throws FormatError when the key is not one that `algorithm` can use: type, curve, sizes, an `alg` of its own
 */
export const publicHalf = (jwk: Claims, algorithm: JwsAlgorithm): Claims => {
  const shape = shapes[algorithm]
  if (jwk['kty'] !== shape.kty) throw new FormatError(`a key for ${algorithm} has the type ${shape.kty}`)
  checkDeclaredAlgorithm(jwk, algorithm)
  if (shape.kty === 'RSA') return rsaPublic(jwk)
  if (shape.kty === 'AKP') return { kty: 'AKP', alg: algorithm, pub: sized(jwk, 'pub', shape.size) }
  if (jwk['crv'] !== shape.crv) throw new FormatError(`a key for ${algorithm} is on the curve ${shape.crv}`)
  const x = sized(jwk, 'x', shape.size)
  return shape.kty === 'OKP'
    ? { kty: 'OKP', crv: shape.crv, x }
    : { kty: 'EC', crv: shape.crv, x, y: sized(jwk, 'y', shape.size) }
}

/**
 * A key to verify with, as `publicHalf` yields it. A key set that shows a private key lets everyone sign, so such a key
 * is refused.
 *
 * @throws FormatError
 */
export const verificationJwk = (jwk: Claims, algorithm: JwsAlgorithm): Claims => {
  const checked = publicHalf(jwk, algorithm)
  for (const member of privateMembers[shapes[algorithm].kty])
    if (jwk[member] !== undefined) throw new FormatError('a published key contains its private part')
  return checked
}

/**
 * The private and public members of `jwk`, checked; all other members are left behind.
 *
 * @throws FormatError
 */
export const signingJwk = (jwk: Claims, algorithm: JwsAlgorithm): Claims => {
  const checked = publicHalf(jwk, algorithm)
  const shape = shapes[algorithm]
  const members: Record<string, string> = {}
  for (const member of privateMembers[shape.kty])
    members[member] = shape.kty === 'RSA' ? integer(jwk, member) : sized(jwk, member, privateSize(shape))
  return { ...checked, ...members }
}

/** What is hashed for the thumbprint of a key that `publicHalf` has checked (RFC 7638 section 3). */
export const thumbprintInput = (publicJwk: Claims, algorithm: JwsAlgorithm): string => {
  const names = ['kty', ...publicMembers[shapes[algorithm].kty]].toSorted()
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, publicJwk[name]])))
}

const privateSize = (shape: Shape): number => (shape.kty === 'EC' ? shape.size : seedSize)

/** EdDSA with Ed25519 has two names (RFC 9864 section 2.2); any other key is good for the one algorithm that it names. */
const checkDeclaredAlgorithm = (jwk: Claims, algorithm: JwsAlgorithm): void => {
  const declared = jwk['alg']
  const sameByAnotherName = shapes[algorithm] === ed25519 && (declared === 'EdDSA' || declared === 'Ed25519')
  const unnamed = declared === undefined && shapes[algorithm].kty !== 'AKP'
  if (declared !== algorithm && !sameByAnotherName && !unnamed)
    throw new FormatError(`the key is not for the algorithm ${algorithm}`)
}

const octets = (jwk: Claims, member: string): Uint8Array => {
  const value = jwk[member]
  if (typeof value !== 'string' || value.length > 4_096) throw new FormatError(`the key lacks a proper "${member}"`)
  return decodeBase64url(value)
}

/** Octets of a fixed length (RFC 7518 section 6.2.1.2: leading zeros are kept). */
const sized = (jwk: Claims, member: string, size: number): string => {
  const bytes = octets(jwk, member)
  if (bytes.length !== size) throw new FormatError(`"${member}" of this key has ${size} octets`)
  return encodeBase64url(bytes)
}

/** An unsigned integer in its shortest form (RFC 7518 section 2); some issuers write a zero octet in front. */
const integer = (jwk: Claims, member: string): string => encodeBase64url(significant(octets(jwk, member)))

const significant = (bytes: Uint8Array): Uint8Array => {
  const first = bytes.findIndex((byte) => byte !== 0)
  return first < 0 ? new Uint8Array(0) : bytes.subarray(first)
}

/** RFC 7518 section 3.3 asks for 2048 bits; the upper bound keeps one verification cheap. */
const rsaBits = { least: 2_048, most: 8_192 }

const rsaPublic = (jwk: Claims): Claims => {
  const modulus = significant(octets(jwk, 'n'))
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24
  if (bits < rsaBits.least || bits > rsaBits.most)
    throw new FormatError(`an RSA key has ${rsaBits.least} to ${rsaBits.most} bits`)
  if (isEven(modulus)) throw new FormatError('an RSA modulus is odd')
  if (isRoca(modulus)) throw new FormatError('the RSA key can be factored (CVE-2017-15361)')
  const exponent = significant(octets(jwk, 'e'))
  const isOne = exponent.length === 1 && exponent[0] === 1
  if (isOne || isEven(exponent) || exponent.length > 4)
    throw new FormatError('an RSA exponent is an odd number from 3 to 4294967295')
  return { kty: 'RSA', n: encodeBase64url(modulus), e: encodeBase64url(exponent) }
}

const isEven = (number: Uint8Array): boolean => ((number.at(-1) ?? 0) & 1) === 0

const smallPrimes = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157]

/** The residues that powers of 65537 take for each small prime. */
const fingerprints = smallPrimes.map((prime) => {
  const residues = new Set<number>()
  for (let power = 1; !residues.has(power); power = (power * 65_537) % prime) residues.add(power)
  return { prime, residues }
})

/**
 * Does the modulus carry the fingerprint of a broken key generator, whose primes are all powers of 65537 for many
 * small primes? Sound keys match by chance with a probability below 2 to the -27.
 */
const isRoca = (modulus: Uint8Array): boolean =>
  fingerprints.every(({ prime, residues }) =>
    residues.has(modulus.reduce((remainder, byte) => (remainder * 256 + byte) % prime, 0)),
  )
