import type { CertificateAlgorithm } from '../../ports/certificate-signatures.ts'
import type { HashAlgorithm } from '../../ports/digest.ts'
import { FormatError } from '../format-error.ts'
import { constructed, type DerNode, tags } from './der.ts'
import { expectTag, explicitIn, fieldsOf, oidIn, smallIntegerIn } from './der-fields.ts'
import type { PublicKeyKind } from './public-key.ts'

/** How something was signed, as its AlgorithmIdentifier says. The curve is for the signer's key to say. */
export type SignatureScheme =
  | { readonly family: 'rsa-pkcs1'; readonly hash: HashAlgorithm }
  | { readonly family: 'ecdsa'; readonly hash: HashAlgorithm }
  | { readonly family: 'rsa-pss'; readonly hash: HashAlgorithm; readonly saltLength: number }
  | { readonly family: 'ed25519' }
  /** SHA-1, MD5, DSA, and all that is unknown here. */
  | { readonly family: 'unsupported'; readonly oid: string }

const hashes: Readonly<Record<string, HashAlgorithm>> = {
  '2.16.840.1.101.3.4.2.1': 'SHA-256',
  '2.16.840.1.101.3.4.2.2': 'SHA-384',
  '2.16.840.1.101.3.4.2.3': 'SHA-512',
}

const pkcs1: Readonly<Record<string, HashAlgorithm>> = {
  '1.2.840.113549.1.1.11': 'SHA-256',
  '1.2.840.113549.1.1.12': 'SHA-384',
  '1.2.840.113549.1.1.13': 'SHA-512',
}

const ecdsa: Readonly<Record<string, HashAlgorithm>> = {
  '1.2.840.10045.4.3.2': 'SHA-256',
  '1.2.840.10045.4.3.3': 'SHA-384',
  '1.2.840.10045.4.3.4': 'SHA-512',
}

const rsaPss = '1.2.840.113549.1.1.10'
const mgf1 = '1.2.840.113549.1.1.8'
const ed25519 = '1.3.101.112'

/**
 * The scheme of an AlgorithmIdentifier. The parameters are part of it: NULL for RSA with PKCS #1 v1.5 (RFC 4055 section
 * 5), none for ECDSA (RFC 5758 section 3.2) and Ed25519 (RFC 8410 section 3).
 *
 * @throws FormatError when the parameters are not those of a known algorithm.
 */
export const signatureSchemeIn = (node: DerNode): SignatureScheme => {
  const fields = fieldsOf(node)
  const oid = oidIn(fields.next(tags.oid))
  const parameters = fields.rest()
  fields.end()
  if (oid === rsaPss) return pssSchemeIn(parameters)
  const [rsaHash, ecdsaHash] = [pkcs1[oid], ecdsa[oid]]
  if (rsaHash === undefined && ecdsaHash === undefined && oid !== ed25519) return { family: 'unsupported', oid }
  if (parameters?.tag !== (rsaHash === undefined ? undefined : tags.null))
    throw new FormatError('the parameters of a signature algorithm are not the ones it has')
  if (rsaHash !== undefined) return { family: 'rsa-pkcs1', hash: rsaHash }
  return ecdsaHash === undefined ? { family: 'ed25519' } : { family: 'ecdsa', hash: ecdsaHash }
}

/** RSASSA-PSS-params (RFC 4055 section 3.1): one hash for both uses. Defaults mean SHA-1 and are not supported. */
const pssSchemeIn = (parameters: DerNode | undefined): SignatureScheme => {
  const unsupported: SignatureScheme = { family: 'unsupported', oid: rsaPss }
  if (parameters === undefined) return unsupported
  const fields = fieldsOf(parameters)
  const [hash, mask, salt] = [0, 1, 2].map((number) => fields.optional(constructed(number)))
  fields.end()
  if (hash === undefined || mask === undefined) return unsupported
  const hashOid = hashOidIn(explicitIn(hash))
  const saltLength = salt === undefined ? 20 : smallIntegerIn(expectTag(explicitIn(salt), tags.integer))
  const known = hashes[hashOid]
  return known === undefined || maskHashIn(explicitIn(mask)) !== hashOid
    ? unsupported
    : { family: 'rsa-pss', hash: known, saltLength }
}

/** The hash of MGF1; undefined for another mask generation function. */
const maskHashIn = (node: DerNode): string | undefined => {
  const fields = fieldsOf(node)
  const oid = oidIn(fields.next(tags.oid))
  const parameters = fields.any()
  fields.end()
  return oid === mgf1 ? hashOidIn(parameters) : undefined
}

/** A hash's AlgorithmIdentifier, whose parameters are NULL or absent (RFC 4055 section 2.1). */
const hashOidIn = (node: DerNode): string => {
  const fields = fieldsOf(node)
  const oid = oidIn(fields.next(tags.oid))
  fields.optional(tags.null)
  fields.end()
  return oid
}

/**
 * How a signature by `scheme` is verified with `key`; undefined where the two do not go together, or should not be
 * used.
 */
export const algorithmFor = (scheme: SignatureScheme, key: PublicKeyKind): CertificateAlgorithm | undefined => {
  if (scheme.family === 'unsupported') return undefined
  if (scheme.family === 'ecdsa')
    return key.kind === 'ec' ? { family: scheme.family, hash: scheme.hash, curve: key.curve } : undefined
  return key.kind === (scheme.family === 'ed25519' ? 'ed25519' : 'rsa') ? scheme : undefined
}
