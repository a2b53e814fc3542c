import { encodeBase64url } from '../../formats/base64url.ts'
import type { Digest } from '../../ports/digest.ts'

const utf8 = new TextEncoder()

const sha256 = async (bytes: Uint8Array): Promise<string> =>
  encodeBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))))

/** Digests by WebCrypto. */
export const createWebDigest = (): Digest => ({
  sha256: (text) => sha256(utf8.encode(text)),
  sha256OfBytes: sha256,
  hash: async (algorithm, bytes) => new Uint8Array(await crypto.subtle.digest(algorithm, new Uint8Array(bytes))),
})
