import { hash } from 'node:crypto'
import type { Digest } from '../../ports/digest.ts'

/** SHA-256 by OpenSSL, synchronous: a tenth of what WebCrypto costs. */
export const createNodeDigest = (): Digest => ({
  sha256: (text) => hash('sha256', text, 'base64url'),
  sha256OfBytes: (bytes) => hash('sha256', bytes, 'base64url'),
})
