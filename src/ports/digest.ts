/** SHA-256, synchronous where the platform can (a hot-path cost elsewhere), and its longer kin. */
export interface Digest {
  /** The digest of the UTF-8 bytes of `text`, in base64url: 43 characters. */
  sha256(text: string): string | Promise<string>
  /** The same of `bytes`: the `x5t#S256` of a certificate's DER (RFC 8705 section 3.1). */
  sha256OfBytes(bytes: Uint8Array): string | Promise<string>
  /** The digest of `bytes` as it is. */
  hash(algorithm: HashAlgorithm, bytes: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/** The hashes that are good for anything here. SHA-1 and MD5 are none of them. */
export type HashAlgorithm = 'SHA-256' | 'SHA-384' | 'SHA-512'
