import type { Claims } from '../domain/claims.ts'
import type { Digest } from '../ports/digest.ts'
import type { JwsAlgorithm } from '../ports/signatures.ts'
import { publicHalf, thumbprintInput } from './signing-key.ts'

/**
 * The SHA-256 thumbprint of a key, public or private (RFC 7638; `AKP` as ML-DSA for JOSE section 6 defines it).
 *
 * @throws FormatError when the key is not one for `algorithm`
 */
export const thumbprint = async (
  jwk: Claims,
  algorithm: JwsAlgorithm,
  digest: Pick<Digest, 'sha256'>,
): Promise<string> => digest.sha256(thumbprintInput(publicHalf(jwk, algorithm), algorithm))
