import { FormatError } from '../format-error.ts'
import { type DerNode, readInside, tags } from './der.ts'
import { fieldsOf, hexIntegerIn, oidIn } from './der-fields.ts'

/** What kind of key a SubjectPublicKeyInfo holds (RFC 3279 section 2.3, RFC 5480, RFC 8410). */
export type PublicKeyKind =
  | { readonly kind: 'rsa'; readonly bits: number; readonly exponent: bigint }
  | { readonly kind: 'ec'; readonly curve: 'P-256' | 'P-384' | 'P-521' }
  | { readonly kind: 'ed25519' }
  /** DSA, other curves, curves by their parameters, keys bound to RSA-PSS, and all that is unknown here. */
  | { readonly kind: 'other'; readonly oid: string }

const rsaEncryption = '1.2.840.113549.1.1.1'
const ecPublicKey = '1.2.840.10045.2.1'
const ed25519 = '1.3.101.112'

const curves: Readonly<Record<string, { readonly curve: 'P-256' | 'P-384' | 'P-521'; readonly octets: number }>> = {
  '1.2.840.10045.3.1.7': { curve: 'P-256', octets: 32 },
  '1.3.132.0.34': { curve: 'P-384', octets: 48 },
  '1.3.132.0.35': { curve: 'P-521', octets: 66 },
}

/** @throws FormatError when a key of a known kind is malformed. Whether a point is on its curve is not seen here. */
export const publicKeyIn = (node: DerNode): PublicKeyKind => {
  const fields = fieldsOf(node)
  const algorithm = fieldsOf(fields.next(tags.sequence))
  const key = fields.next(tags.bitString)
  fields.end()
  const oid = oidIn(algorithm.next(tags.oid))
  const parameters = algorithm.rest()
  algorithm.end()
  if (oid === rsaEncryption) return rsaKey(parameters, key)
  if (oid === ecPublicKey) return ecKey(parameters, key)
  return oid === ed25519 ? ed25519Key(parameters, key) : { kind: 'other', oid }
}

const malformed = () => new FormatError('a public key is malformed')

/** The parameters are NULL (RFC 3279 section 2.3.1). */
const rsaKey = (parameters: DerNode | undefined, key: DerNode): PublicKeyKind => {
  if (parameters?.tag !== tags.null || key.content.charCodeAt(0) !== 0) throw malformed()
  const fields = fieldsOf(readInside(withoutUnused(key)))
  const [modulus, exponent] = [fields.next(tags.integer), fields.next(tags.integer)]
  fields.end()
  if (isNegative(modulus) || isNegative(exponent) || exponent.content.length > 9) throw malformed()
  return { kind: 'rsa', bits: bitsOf(modulus.content), exponent: BigInt(`0x${hexIntegerIn(exponent)}`) }
}

/** A BIT STRING whose first octet says that all bits are used, as what comes after it. */
const withoutUnused = (node: DerNode): DerNode => ({
  ...node,
  content: node.content.slice(1),
  contentStart: node.contentStart + 1,
})

const isNegative = (node: DerNode): boolean => node.content.charCodeAt(0) >= 0x80

const bitsOf = (content: string): number => {
  const first = content.charCodeAt(0) === 0 ? 1 : 0
  const octets = content.length - first
  return octets === 0 ? 0 : 8 * octets - Math.clz32(content.charCodeAt(first)) + 24
}

/** A named curve (RFC 5480 section 2.1.1) and an uncompressed point (section 2.2). */
const ecKey = (parameters: DerNode | undefined, key: DerNode): PublicKeyKind => {
  if (parameters?.tag !== tags.oid) return { kind: 'other', oid: ecPublicKey }
  const known = curves[oidIn(parameters)]
  if (known === undefined) return { kind: 'other', oid: oidIn(parameters) }
  if (!key.content.startsWith('\x00\x04') || key.content.length !== 2 + 2 * known.octets) throw malformed()
  return { kind: 'ec', curve: known.curve }
}

const ed25519Key = (parameters: DerNode | undefined, key: DerNode): PublicKeyKind => {
  if (parameters !== undefined || key.content.length !== 33 || !key.content.startsWith('\x00')) throw malformed()
  return { kind: 'ed25519' }
}

const largestExponent = 2n ** 32n

/**
 * Is the key of a kind and a size that is used here? RSA from 2048 bits in whole octets; larger ones than 8192 and
 * exponents beyond 32 bits only cost time.
 */
export const isStrongKey = (key: PublicKeyKind): boolean => {
  if (key.kind !== 'rsa') return key.kind !== 'other'
  const { bits, exponent } = key
  const isProperSize = bits >= 2_048 && bits <= 8_192 && bits % 8 === 0
  return isProperSize && exponent >= 3n && exponent < largestExponent && exponent % 2n === 1n
}
