import type { CertificateSignatures } from '../../ports/certificate-signatures.ts'
import { algorithmFor, type SignatureScheme } from './algorithm.ts'
import type { Certificate } from './certificate.ts'
import type { PublicKeyKind } from './public-key.ts'

/** What bears a signature: a certificate or a CRL. */
export interface Signed {
  readonly tbs: Uint8Array
  readonly signatureScheme: SignatureScheme
  readonly signature: Uint8Array
}

/** The verifications that may still be done for one request, by what they cost: one of ECDSA on P-256 is 1. */
export interface SignatureBudget {
  left: number
}

export type SignatureVerdict = 'holds' | 'does not hold' | 'algorithm' | 'too_complex'

/** By the signed bytes: the signers under whose key the signature was seen to hold. A pure fact about the two. */
const knownToHold = new WeakMap<Uint8Array, WeakSet<Certificate>>()

const curveCosts: Readonly<Record<string, number>> = { 'P-256': 1, 'P-384': 5, 'P-521': 9 }

/** As measured, about: whoever presents certificates must not choose how long we reckon. */
const costOf = (key: PublicKeyKind): number => {
  if (key.kind === 'ec') return curveCosts[key.curve] ?? 9
  return key.kind === 'rsa' ? Math.ceil(key.bits / 2_048) : 1
}

/** Was the signature of these very objects seen to hold? */
export const isKnownToHold = ({ tbs }: Signed, signer: Certificate): boolean =>
  knownToHold.get(tbs)?.has(signer) === true

/**
 * Does the key of `signer` verify the signature of `signed`? What was seen to hold is not computed again for the very
 * same objects.
 */
export const checkSigned = async (
  signed: Signed,
  signer: Certificate,
  signatures: CertificateSignatures,
  budget: SignatureBudget,
): Promise<SignatureVerdict> => {
  if (isKnownToHold(signed, signer)) return 'holds'
  const algorithm = algorithmFor(signed.signatureScheme, signer.key)
  if (algorithm === undefined) return 'algorithm'
  budget.left -= costOf(signer.key)
  if (budget.left < 0) return 'too_complex'
  if (!(await signatures.verify(signer.spki, algorithm, signed.tbs, signed.signature))) return 'does not hold'
  const known = knownToHold.get(signed.tbs)
  if (known === undefined) knownToHold.set(signed.tbs, new WeakSet([signer]))
  else known.add(signer)
  return 'holds'
}
