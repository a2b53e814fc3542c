import type { Secret } from '../domain/secret.ts'
import type { HashAlgorithm } from './digest.ts'

declare const decryptionKey: unique symbol

/** A private RSA key that the platform has imported, good for unwrapping keys and for nothing else. */
export interface DecryptionKey {
  readonly [decryptionKey]: true
  /** The same for the same octets of PKCS #8, however often they are imported. A digest, so not for a log either. */
  readonly id: string
  /** The length of its modulus, and of everything that it can unwrap. */
  readonly octets: number
}

/** The hash of RSA-OAEP, for the label and for the mask. SHA-1 is no weakness there: nothing hangs on its collisions. */
export type OaepHash = HashAlgorithm | 'SHA-1'

/**
 * The platform's decryption with RSA-OAEP (RFC 8017 section 7.1) and AES-GCM (NIST SP 800-38D). The answers must be the
 * same everywhere. What cannot be decrypted is undefined, and nobody is told why.
 */
export interface Decryption {
  /**
   * Imports an RSA key of 2048 to 4096 bits from the PEM of a PKCS #8 PrivateKeyInfo (RFC 7468 section 10).
   *
   * @throws Error in words for the operator; the message never quotes the key
   */
  importPrivateKey(pem: Secret<string>): Promise<DecryptionKey>
  /** The key that RSA-OAEP wrapped with an empty label, `hash` being the label's hash and the mask's. */
  unwrap(key: DecryptionKey, hash: OaepHash, wrapped: Uint8Array): Promise<Uint8Array | undefined>
  /**
   * The plaintext of `sealed`, which ends with its tag of 16 octets and has no additional data.
   *
   * @param contentKey 16, 24 or 32 octets
   * @param iv 12 octets
   */
  open(contentKey: Uint8Array, iv: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | undefined>
}
