import type { CertificateSignatures } from '../../ports/certificate-signatures.ts'
import type { Digest } from '../../ports/digest.ts'
import { sameBytes } from '../same-bytes.ts'
import { algorithmFor } from '../x509/algorithm.ts'
import type { PublicKey } from '../x509/certificate-key.ts'
import { derOfEcdsaValue } from './ecdsa-value.ts'
import type { EnvelopedSignature } from './signature.ts'

/** What came of a signature check. */
export type XmlSignatureVerdict =
  | 'holds'
  /** The content is not what was signed. */
  | 'digest'
  /** None of the keys has signed it. */
  | 'signature'
  /** None of the keys is one for the algorithm. */
  | 'no_key'

export interface XmlSignaturePorts {
  readonly digest: Digest
  readonly certificateSignatures: CertificateSignatures
}

const utf8 = new TextEncoder()

/** The keys under which a signature was seen to hold, its digest included: a pure fact about the two. */
const knownToHold = new WeakMap<EnvelopedSignature, WeakSet<PublicKey>>()

/** Tells of a key whether `signature` was seen to hold under it, without keeping the signature. */
export const seenToHold = (signature: EnvelopedSignature): ((key: PublicKey) => boolean) => {
  const known = knownToHold.get(signature)
  return (key) => known?.has(key) === true
}

/**
 * Does `signature` hold under one of `keys` (XML Signature section 3.2)? Only then may its `content` be read. What was
 * seen to hold is not computed again for the very same objects. Keys are tried in turn: give few.
 */
export const checkXmlSignature = async (
  signature: EnvelopedSignature,
  keys: readonly PublicKey[],
  ports: XmlSignaturePorts,
): Promise<XmlSignatureVerdict> => {
  const known = knownToHold.get(signature)
  if (known !== undefined && keys.some((key) => known.has(key))) return 'holds'
  const fitting = keys.filter(({ kind }) => algorithmFor(signature.scheme, kind) !== undefined)
  if (fitting.length === 0) return 'no_key'
  const digest = await ports.digest.hash(signature.digest, utf8.encode(signature.content))
  if (!sameBytes(digest, signature.digestValue)) return 'digest'
  for (const key of fitting) {
    if (!(await isSignedBy(key, signature, ports.certificateSignatures))) continue
    knownToHold.set(signature, (known ?? new WeakSet()).add(key))
    return 'holds'
  }
  return 'signature'
}

const isSignedBy = async (
  { spki, kind }: PublicKey,
  { scheme, signedInfo, value }: EnvelopedSignature,
  signatures: CertificateSignatures,
): Promise<boolean> => {
  const algorithm = algorithmFor(scheme, kind)
  if (algorithm === undefined) return false
  const signature = algorithm.family === 'ecdsa' ? derOfEcdsaValue(value, algorithm.curve) : value
  return signature !== undefined && signatures.verify(spki, algorithm, utf8.encode(signedInfo), signature)
}
