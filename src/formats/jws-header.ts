import type { Claims } from '../domain/claims.ts'
import type { JwsAlgorithm } from '../ports/signatures.ts'

/** What a signature check needs from a JOSE header. */
export interface SignatureHeader {
  readonly alg: JwsAlgorithm
  readonly kid?: string
}

/** Why a header is not acceptable. */
export class HeaderError extends Error {
  readonly fault: 'parameter' | 'algorithm' | 'kid'

  constructor(fault: HeaderError['fault'], message: string) {
    super(message)
    this.name = 'HeaderError'
    this.fault = fault
  }
}

/** Parameters that would have us take a key from the sender, fetch one, or read the token in another way than as it stands. */
const refusedParameters = ['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'zip', 'cty', 'enc'] as const

const maxKeyIdLength = 512

/**
 * Judges the header of a JWS before any cryptography: none of the parameters that give the sender a say in how it is
 * verified, an algorithm of the allow-list to the letter, a `kid` that is a text (RFC 8725 sections 3.1 and 3.10).
 *
 * @throws HeaderError
 */
export const signatureHeader = (header: Claims, algorithms: readonly JwsAlgorithm[]): SignatureHeader => {
  const refused = refusedParameters.find((name) => Object.hasOwn(header, name))
  if (refused !== undefined) throw new HeaderError('parameter', `the header parameter ${refused} is not accepted`)
  const { alg: named, kid } = header
  const alg = algorithms.find((algorithm) => algorithm === named)
  if (alg === undefined) throw new HeaderError('algorithm', `the algorithm is not one of ${algorithms.join(', ')}`)
  if (kid === undefined) return { alg }
  if (typeof kid !== 'string' || kid === '' || kid.length > maxKeyIdLength)
    throw new HeaderError('kid', `kid is not a text of 1 to ${maxKeyIdLength} characters`)
  return { alg, kid }
}
