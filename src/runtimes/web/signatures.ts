import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type { Claims } from '../../domain/claims.ts'
import { signingJwk, verificationJwk } from '../../formats/signing-key.ts'
import {
  type JwsAlgorithm,
  jwsAlgorithms,
  type Signatures,
  type SigningKey,
  type VerificationKey,
} from '../../ports/signatures.ts'
import { createKeyHandles } from '../key-handles.ts'

/** The parameters of WebCrypto for each algorithm (RFC 7518 sections 3.3 to 3.5, RFC 8037). */
const parameters: Readonly<Record<JwsAlgorithm, WebParameters>> = {
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
  RS384: { name: 'RSASSA-PKCS1-v1_5' },
  RS512: { name: 'RSASSA-PKCS1-v1_5' },
  PS256: { name: 'RSA-PSS', saltLength: 32 },
  PS384: { name: 'RSA-PSS', saltLength: 48 },
  PS512: { name: 'RSA-PSS', saltLength: 64 },
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', hash: 'SHA-384' },
  ES512: { name: 'ECDSA', hash: 'SHA-512' },
  EdDSA: { name: 'Ed25519' },
  Ed25519: { name: 'Ed25519' },
  'ML-DSA-44': { name: 'ML-DSA-44' },
  'ML-DSA-65': { name: 'ML-DSA-65' },
  'ML-DSA-87': { name: 'ML-DSA-87' },
}

type WebParameters =
  | { readonly name: string }
  | { readonly name: string; readonly saltLength: number }
  | { readonly name: string; readonly hash: string }

const utf8 = new TextEncoder()

/**
 * Signatures by WebCrypto, for every runtime that has nothing faster. Asks the runtime what it can do, so it must be
 * called where the runtime allows random values (on Workers: while a request is served).
 */
export const createWebSignatures = async (): Promise<Signatures> => {
  const supported = await supportedAlgorithms()
  const publicKeys = createKeyHandles<VerificationKey, CryptoKey>()
  const privateKeys = createKeyHandles<SigningKey, CryptoKey>()

  return {
    supported,

    async importPublicKey(jwk, algorithm) {
      requireSupport(supported, algorithm)
      return publicKeys.issue(algorithm, await imported(verificationJwk(jwk, algorithm), algorithm))
    },

    async importPrivateKey(jwk, algorithm) {
      requireSupport(supported, algorithm)
      return privateKeys.issue(algorithm, await imported(signingJwk(jwk, algorithm), algorithm))
    },

    async generate(algorithm) {
      requireSupport(supported, algorithm)
      const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
      const jwk: JWK & Claims = { ...(await exportJWK(privateKey)), alg: algorithm }
      return { ...signingJwk(jwk, algorithm), alg: algorithm }
    },

    async verify(key, signingInput, signature) {
      const held = publicKeys.held(key)
      if (held === undefined) return false
      try {
        const bytes = new Uint8Array(signature)
        return await crypto.subtle.verify(parameters[key.algorithm], held, bytes, utf8.encode(signingInput))
      } catch {
        return false
      }
    },

    async sign(key, signingInput) {
      const held = privateKeys.held(key)
      if (held === undefined) throw new Error('the signing key was not imported here')
      const signature = await crypto.subtle.sign(parameters[key.algorithm], held, utf8.encode(signingInput))
      return new Uint8Array(signature)
    },
  }
}

const requireSupport = (supported: ReadonlySet<JwsAlgorithm>, algorithm: JwsAlgorithm): void => {
  if (!supported.has(algorithm)) throw new Error(`this runtime cannot do ${algorithm}`)
}

const imported = async (jwk: Claims, algorithm: JwsAlgorithm): Promise<CryptoKey> => {
  const key = await importJWK(jwk as JWK, algorithm)
  if (key instanceof Uint8Array) throw new Error('a symmetric key cannot verify a signature')
  return key
}

/** All runtimes have RSA, ECDSA and Ed25519; ML-DSA is new. */
const supportedAlgorithms = async (): Promise<ReadonlySet<JwsAlgorithm>> => {
  const hasMlDsa = await canGenerateMlDsa()
  return new Set(jwsAlgorithms.filter((algorithm) => hasMlDsa || !algorithm.startsWith('ML-DSA')))
}

const canGenerateMlDsa = async (): Promise<boolean> => {
  try {
    await generateKeyPair('ML-DSA-44')
    return true
  } catch {
    return false
  }
}
