/** What keeps a path from holding. */
export type PathFault =
  /** A certificate is not what it should be, beyond what parsing sees. */
  | 'malformed'
  /** Nothing leads to an anchor. */
  | 'untrusted'
  | 'expired'
  | 'not_yet_valid'
  /** A key or a signature of a kind, or of a size, that is not used here. */
  | 'algorithm'
  /** A certificate is used for what it is not for. */
  | 'usage'
  /** Path length, name or policy constraints of an authority are violated. */
  | 'constraint'
  /** A critical extension is not understood. */
  | 'extension'
  | 'revoked'
  /** No list that counts says whether a certificate is revoked. */
  | 'status_unknown'
  /** Finding out would take too much work. */
  | 'too_complex'

const explanations: Readonly<Record<PathFault, string>> = {
  malformed: 'a certificate is malformed',
  untrusted: 'no path leads to a trust anchor',
  expired: 'a certificate of the path has expired',
  not_yet_valid: 'a certificate of the path is not valid yet',
  algorithm: 'a key or a signature of the path is of a kind or size that is not accepted',
  usage: 'a certificate of the path is not for this use',
  constraint: 'the path violates the constraints of one of its authorities',
  extension: 'a certificate of the path has a critical extension that is not understood',
  revoked: 'a certificate of the path has been revoked',
  status_unknown: 'the revocation status of a certificate of the path is not known',
  too_complex: 'judging the path would take too much work',
}

/** No path holds. The fault is the most telling one of those that were found. */
export class PathError extends Error {
  readonly fault: PathFault

  constructor(fault: PathFault, detail: string = explanations[fault]) {
    super(detail)
    this.name = 'PathError'
    this.fault = fault
  }
}
