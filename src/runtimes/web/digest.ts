import { encodeBase64url } from '../../formats/base64url.ts'
import type { Digest } from '../../ports/digest.ts'

const utf8 = new TextEncoder()

/** SHA-256 by WebCrypto. */
export const createWebDigest = (): Digest => ({
  sha256: async (text) => encodeBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8.encode(text)))),
})
