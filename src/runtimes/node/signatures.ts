import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
  verify,
} from 'node:crypto'
import { promisify } from 'node:util'
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
import { createBatches } from './batches.ts'
import { derFromRaw, rawFromDer } from './ecdsa-signature.ts'

/** How OpenSSL is asked for an algorithm. */
interface Mechanism {
  /** Null where the algorithm has its own. */
  readonly hash: string | null
  readonly pss?: Pick<SignKeyObjectInput, 'padding' | 'saltLength'>
  /** ECDSA: the octets of r and of s. */
  readonly coordinate?: number
  readonly generate: () => Promise<{ readonly privateKey: KeyObject }>
}

const pairs = promisify(generateKeyPair)
const rsaPair = () => pairs('rsa', { modulusLength: 2_048 })

const rsaPkcs1 = (hash: string): Mechanism => ({ hash, generate: rsaPair })
/** The salt is as long as the hash and no other length is accepted (RFC 7518 section 3.5). */
const rsaPss = (hash: string, saltLength: number): Mechanism => ({
  hash,
  pss: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength },
  generate: rsaPair,
})
const ecdsa = (hash: string, coordinate: number, namedCurve: string): Mechanism => ({
  hash,
  coordinate,
  generate: () => pairs('ec', { namedCurve }),
})
const ed25519: Mechanism = { hash: null, generate: () => pairs('ed25519') }

const mechanisms: Readonly<Record<JwsAlgorithm, Mechanism>> = {
  RS256: rsaPkcs1('sha256'),
  RS384: rsaPkcs1('sha384'),
  RS512: rsaPkcs1('sha512'),
  PS256: rsaPss('sha256', 32),
  PS384: rsaPss('sha384', 48),
  PS512: rsaPss('sha512', 64),
  ES256: ecdsa('sha256', 32, 'P-256'),
  ES384: ecdsa('sha384', 48, 'P-384'),
  ES512: ecdsa('sha512', 66, 'P-521'),
  EdDSA: ed25519,
  Ed25519: ed25519,
  'ML-DSA-44': { hash: null, generate: () => pairs('ml-dsa-44') },
  'ML-DSA-65': { hash: null, generate: () => pairs('ml-dsa-65') },
  'ML-DSA-87': { hash: null, generate: () => pairs('ml-dsa-87') },
}

/** A key that was imported here, ready for OpenSSL. */
interface Prepared {
  readonly mechanism: Mechanism
  readonly key: KeyObject | SignKeyObjectInput
}

/**
 * Signatures by OpenSSL through node:crypto, synchronous and in batches. For ML-DSA Node 24.6 or later is needed.
 */
export const createNodeSignatures = (): Signatures => {
  const supported = supportedAlgorithms()
  const batches = createBatches()
  const publicKeys = createKeyHandles<VerificationKey, Prepared>()
  const privateKeys = createKeyHandles<SigningKey, Prepared>()

  return {
    supported,

    async importPublicKey(jwk, algorithm) {
      requireSupport(supported, algorithm)
      const key = createPublicKey({ key: verificationJwk(jwk, algorithm), format: 'jwk' })
      return publicKeys.issue(algorithm, prepared(key, algorithm))
    },

    async importPrivateKey(jwk, algorithm) {
      requireSupport(supported, algorithm)
      const key = createPrivateKey({ key: signingJwk(jwk, algorithm), format: 'jwk' })
      return privateKeys.issue(algorithm, prepared(key, algorithm))
    },

    async generate(algorithm) {
      requireSupport(supported, algorithm)
      const { privateKey } = await mechanisms[algorithm].generate()
      return { ...membersOf(privateKey.export({ format: 'jwk' })), alg: algorithm }
    },

    verify(key, signingInput, signature) {
      const held = publicKeys.held(key)
      if (held === undefined) return Promise.resolve(false)
      return batches.verify(() => holds(held, signingInput, signature))
    },

    sign(key, signingInput) {
      const held = privateKeys.held(key)
      if (held === undefined) return Promise.reject(new Error('the signing key was not imported here'))
      return batches.sign(() => signed(held, signingInput))
    },
  }
}

/**
 * Where the defaults of node:crypto are right (PKCS #1 v1.5 for RSA, DER for ECDSA) the bare key is kept: on Node 24 a
 * key wrapped in options costs 20 to 28 microseconds more a call.
 */
const prepared = (key: KeyObject, algorithm: JwsAlgorithm): Prepared => {
  const mechanism = mechanisms[algorithm]
  return { mechanism, key: mechanism.pss === undefined ? key : { key, ...mechanism.pss } }
}

/** All members of a key are texts. */
const membersOf = (jwk: JsonWebKey): Claims =>
  Object.fromEntries(Object.entries(jwk).filter((member): member is [string, string] => typeof member[1] === 'string'))

const requireSupport = (supported: ReadonlySet<JwsAlgorithm>, algorithm: JwsAlgorithm): void => {
  if (!supported.has(algorithm)) throw new Error(`this version of Node cannot do ${algorithm}; Node 24.6 or later can`)
}

/** Whatever OpenSSL has to say about a signature that is not one, the answer is no. */
const holds = ({ mechanism, key }: Prepared, signingInput: string, signature: Uint8Array): boolean => {
  const { coordinate, hash } = mechanism
  const encoded = coordinate === undefined ? signature : derFromRaw(signature, coordinate)
  if (encoded === undefined) return false
  try {
    return verify(hash, Buffer.from(signingInput), key, encoded)
  } catch {
    return false
  }
}

const signed = ({ mechanism, key }: Prepared, signingInput: string): Uint8Array => {
  const signature = sign(mechanism.hash, Buffer.from(signingInput), key)
  return mechanism.coordinate === undefined ? signature : rawFromDer(signature, mechanism.coordinate)
}

/** Node 22 has no ML-DSA, whatever its OpenSSL can do, so the question is put to Node itself. */
const supportedAlgorithms = (): ReadonlySet<JwsAlgorithm> => {
  const hasMlDsa = canGenerateMlDsa()
  return new Set(jwsAlgorithms.filter((algorithm) => hasMlDsa || !algorithm.startsWith('ML-DSA')))
}

const canGenerateMlDsa = (): boolean => {
  try {
    return generateKeyPairSync('ml-dsa-44').publicKey.export({ format: 'jwk' }).kty === 'AKP'
  } catch {
    return false
  }
}
