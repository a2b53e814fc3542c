/** SHA-256, synchronous where the platform can (a hot-path cost elsewhere). */
export interface Digest {
  /** The digest of the UTF-8 bytes of `text`. */
  sha256(text: string): Uint8Array | Promise<Uint8Array>
}
