import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { CertificateAlgorithm, CertificateSignatures } from '../../ports/certificate-signatures.ts'
import { createBatches } from './batches.ts'
import { hashNames } from './hash-names.ts'

/** Imported keys that are kept. One is about 1 KiB. */
const keptKeys = 512
/** Longer keys are imported, but not kept: an RSA key of 4096 bits takes 550 octets. */
const longestKept = 1_024

/** What OpenSSL calls the curves. */
const curveNames = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' } as const

/** What a key can be used for: its type, and for EC its curve. */
interface Imported {
  readonly key: KeyObject
  readonly kind: string
}

/**
 * Verifies the signatures of certificates by OpenSSL through node:crypto, synchronously and in batches. Importing a key
 * costs about as much as verifying with it, and one authority's key comes with every client of it; so keys are found
 * again by their bytes.
 */
export const createNodeCertificateSignatures = (): CertificateSignatures => {
  const batches = createBatches()
  const kept = new LRUCache<string, Imported>({ max: keptKeys })

  const imported = (spki: Uint8Array): Imported => {
    const der = Buffer.from(spki.buffer, spki.byteOffset, spki.byteLength)
    if (der.length > longestKept) return importedFrom(der)
    const bytes = der.toString('latin1')
    const known = kept.get(bytes)
    if (known !== undefined) return known
    const fresh = importedFrom(der)
    kept.set(bytes, fresh)
    return fresh
  }

  return {
    verify: (spki, algorithm, data, signature) =>
      batches.verify(() => {
        try {
          return holds(imported(spki), algorithm, data, signature)
        } catch {
          return false
        }
      }),
  }
}

const importedFrom = (der: Buffer): Imported => {
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  const type = key.asymmetricKeyType ?? ''
  return { key, kind: type === 'ec' ? `ec ${key.asymmetricKeyDetails?.namedCurve ?? ''}` : type }
}

/** The kind of key that `algorithm` takes. A key of the other kind of RSA, bound to PSS, is none of them. */
const kindFor = (algorithm: CertificateAlgorithm): string => {
  if (algorithm.family === 'ed25519') return 'ed25519'
  return algorithm.family === 'ecdsa' ? `ec ${curveNames[algorithm.curve]}` : 'rsa'
}

/** The bare key where node:crypto's defaults are right: wrapped in options it costs 20 to 28 microseconds more. */
const holds = (
  { key, kind }: Imported,
  algorithm: CertificateAlgorithm,
  data: Uint8Array,
  signature: Uint8Array,
): boolean => {
  if (kind !== kindFor(algorithm)) return false
  if (algorithm.family === 'ed25519') return verify(null, data, key, signature)
  const hash = hashNames[algorithm.hash]
  if (algorithm.family !== 'rsa-pss') return verify(hash, data, key, signature)
  const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.saltLength }
  return verify(hash, data, pss, signature)
}
