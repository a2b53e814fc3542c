import type { CryptoKey } from 'jose'
import { LRUCache } from 'lru-cache'
import type { CertificateAlgorithm, CertificateSignatures } from '../../ports/certificate-signatures.ts'
import { rawFromStrictDer } from './ecdsa-der.ts'

/** Imported keys that are kept: one for each key and algorithm. */
const keptKeys = 512
/** Longer keys are imported, but not kept. */
const longestKept = 1_024

/** The octets of `r` and of `s` on each curve. */
const coordinates = { 'P-256': 32, 'P-384': 48, 'P-521': 66 } as const

const names = {
  'rsa-pkcs1': 'RSASSA-PKCS1-v1_5',
  'rsa-pss': 'RSA-PSS',
  ecdsa: 'ECDSA',
  ed25519: 'Ed25519',
} as const

type ImportParameters =
  | { readonly name: string }
  | { readonly name: string; readonly hash: string }
  | { readonly name: string; readonly namedCurve: string }

/** Verifies the signatures of certificates by WebCrypto, which takes ECDSA as `r || s` and an RSA key for one hash. */
export const createWebCertificateSignatures = (): CertificateSignatures => {
  const kept = new LRUCache<string, Promise<CryptoKey>>({ max: keptKeys })

  const imported = (spki: Uint8Array, algorithm: CertificateAlgorithm): Promise<CryptoKey> => {
    const parameters = importParameters(algorithm)
    const fresh = () => crypto.subtle.importKey('spki', new Uint8Array(spki), parameters, false, ['verify'])
    if (spki.length > longestKept) return fresh()
    const name = `${JSON.stringify(parameters)} ${String.fromCharCode(...spki)}`
    const key = kept.get(name) ?? fresh()
    kept.set(name, key)
    return key
  }

  return {
    async verify(spki, algorithm, data, signature) {
      const encoded = webSignature(algorithm, signature)
      if (encoded === undefined) return false
      try {
        const key = await imported(spki, algorithm)
        return await crypto.subtle.verify(verifyParameters(algorithm), key, encoded, new Uint8Array(data))
      } catch {
        return false
      }
    },
  }
}

const importParameters = (algorithm: CertificateAlgorithm): ImportParameters => {
  const name = names[algorithm.family]
  if (algorithm.family === 'ed25519') return { name }
  return algorithm.family === 'ecdsa' ? { name, namedCurve: algorithm.curve } : { name, hash: algorithm.hash }
}

const verifyParameters = (algorithm: CertificateAlgorithm) => {
  const name = names[algorithm.family]
  if (algorithm.family === 'rsa-pss') return { name, saltLength: algorithm.saltLength }
  return algorithm.family === 'ecdsa' ? { name, hash: algorithm.hash } : { name }
}

const webSignature = (algorithm: CertificateAlgorithm, signature: Uint8Array): Uint8Array<ArrayBuffer> | undefined =>
  algorithm.family === 'ecdsa' ? rawFromStrictDer(signature, coordinates[algorithm.curve]) : new Uint8Array(signature)
