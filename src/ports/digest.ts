/** SHA-256, synchronous where the platform can (a hot-path cost elsewhere). */
export interface Digest {
  /** The digest of the UTF-8 bytes of `text`, in base64url: 43 characters. */
  sha256(text: string): string | Promise<string>
  /** The same of `bytes`: the `x5t#S256` of a certificate's DER (RFC 8705 section 3.1). */
  sha256OfBytes(bytes: Uint8Array): string | Promise<string>
}
