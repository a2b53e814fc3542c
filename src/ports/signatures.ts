import type { Claims } from '../domain/claims.ts'

/** JWS algorithms that dragoman speaks (RFC 7518 section 3.1, RFC 8037, RFC 9864, ML-DSA for JOSE). No MAC, no `none`. */
export const jwsAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87',
] as const

export type JwsAlgorithm = (typeof jwsAlgorithms)[number]

declare const publicKey: unique symbol
declare const privateKey: unique symbol

/** A public key that the platform has imported, good for one algorithm (RFC 8725 section 3.1). */
export interface VerificationKey {
  readonly [publicKey]: true
  readonly algorithm: JwsAlgorithm
}

/** A private key that the platform has imported, good for one algorithm. */
export interface SigningKey {
  readonly [privateKey]: true
  readonly algorithm: JwsAlgorithm
}

/**
 * The platform's signature primitives. Implementations may batch; the answers must be the same everywhere.
 * Signatures are in the form of JWS: `r || s` for ECDSA (RFC 7518 section 3.4).
 */
export interface Signatures {
  /** The algorithms that this runtime can do. */
  readonly supported: ReadonlySet<JwsAlgorithm>
  /** Throws when the key is not one the algorithm can use (wrong curve, point off the curve, malformed). */
  importPublicKey(jwk: Claims, algorithm: JwsAlgorithm): Promise<VerificationKey>
  importPrivateKey(jwk: Claims, algorithm: JwsAlgorithm): Promise<SigningKey>
  /** A new private key as a JWK. */
  generate(algorithm: JwsAlgorithm): Promise<Claims>
  verify(key: VerificationKey, signingInput: string, signature: Uint8Array): Promise<boolean>
  sign(key: SigningKey, signingInput: string): Promise<Uint8Array>
}
