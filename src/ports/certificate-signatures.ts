import type { HashAlgorithm } from './digest.ts'

/**
 * How a certificate or a CRL was signed, as far as the key that verifies it decides (RFC 4055, RFC 5758, RFC 8410).
 * Unlike in JWS, curve and hash are independent of each other.
 */
export type CertificateAlgorithm =
  | { readonly family: 'rsa-pkcs1'; readonly hash: HashAlgorithm }
  | { readonly family: 'rsa-pss'; readonly hash: HashAlgorithm; readonly saltLength: number }
  | { readonly family: 'ecdsa'; readonly hash: HashAlgorithm; readonly curve: 'P-256' | 'P-384' | 'P-521' }
  | { readonly family: 'ed25519' }

/** The platform's verification of signatures over DER. The answers must be the same everywhere. */
export interface CertificateSignatures {
  /**
   * Does the key `spki` (DER of a SubjectPublicKeyInfo) verify `signature` over `data`? An ECDSA signature is in DER,
   * as certificates hold it. Never throws: what cannot be checked does not hold. Implementations remember the keys
   * that they imported.
   */
  verify(spki: Uint8Array, algorithm: CertificateAlgorithm, data: Uint8Array, signature: Uint8Array): Promise<boolean>
}
