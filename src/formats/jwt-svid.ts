import type { Claims } from '../domain/claims.ts'
import { parseSpiffeId, type SpiffeId } from '../domain/spiffe-id.ts'
import type { JwsAlgorithm } from '../ports/signatures.ts'
import { HeaderError, type SignatureHeader, signatureHeader } from './jws-header.ts'

/** The algorithms of JWT-SVIDs (JWT-SVID section 2.1); EdDSA is none of them. */
export const jwtSvidAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
] as const satisfies readonly JwsAlgorithm[]

export type JwtSvidAlgorithm = (typeof jwtSvidAlgorithms)[number]

/** Why a JWT is not a JWT-SVID that may be looked at further. */
export class JwtSvidError extends Error {
  readonly fault: 'type' | HeaderError['fault']

  constructor(fault: JwtSvidError['fault'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'JwtSvidError'
    this.fault = fault
  }
}

const parameters = ['alg', 'kid', 'typ']
const types: readonly unknown[] = [undefined, 'JWT', 'JOSE']

/**
 * Judges the header of a JWT-SVID before any cryptography: nothing in it but `alg`, `kid` and `typ`, a type of the two
 * that are allowed to the letter, an algorithm of the list (JWT-SVID section 2). A WIT-SVID (`wit+jwt`) is refused: it
 * is worth something only with a proof of possession.
 *
 * @throws JwtSvidError
 */
export const jwtSvidHeader = (header: Claims, algorithms: readonly JwtSvidAlgorithm[]): SignatureHeader => {
  if (!types.includes(header['typ'])) throw new JwtSvidError('type', 'typ is neither JWT nor JOSE')
  if (!Object.keys(header).every((name) => parameters.includes(name)))
    throw new JwtSvidError('parameter', 'a JWT-SVID has no other header parameters than alg, kid and typ')
  try {
    return signatureHeader(header, algorithms)
  } catch (cause) {
    if (!(cause instanceof HeaderError)) throw cause
    throw new JwtSvidError(cause.fault, cause.message, { cause })
  }
}

/** The SPIFFE ID of a workload: one with a path. Undefined: `text` is none, or is that of a whole trust domain. */
export const workloadId = (text: string): SpiffeId | undefined => {
  const id = parseSpiffeId(text)
  return id === undefined || id.path === '' ? undefined : id
}
