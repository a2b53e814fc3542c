import type { Claims } from '../domain/claims.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { note, type Trace } from '../domain/trace.ts'
import type { CompactJws } from '../formats/jws.ts'
import { HeaderError, type SignatureHeader, signatureHeader } from '../formats/jws-header.ts'
import type { JwsAlgorithm } from '../ports/signatures.ts'
import type { KeySet } from '../sources/key-sets.ts'
import { checkSignature } from '../sources/signature-check.ts'
import type { Tools } from './verifier.ts'

/** Whose keys a signature must be of, and with which algorithms. */
export interface WantedSignature {
  readonly keySet: KeySet
  readonly algorithms: readonly JwsAlgorithm[]
  /** The publisher of the keys, in words: `the issuer`. */
  readonly signer: string
}

/**
 * One of the keys verifies the token. What came of it goes into the trace.
 *
 * @throws Refusal `credential.key_unknown`, `credential.signature_invalid`, `keys.unavailable`
 */
export const requireTokenSignature = async (
  jws: CompactJws,
  header: SignatureHeader,
  { keySet, algorithms, signer }: WantedSignature,
  now: Instant,
  tools: Tools,
  trace: Trace,
): Promise<void> => {
  if (header.kid !== undefined) trace.keyId = header.kid
  const verdict = await checkSignature(jws, header, keySet, tools.ports.signatures, now)
  if (verdict.stale) trace.staleKeys = true
  note(trace, {
    stage: 'verify',
    check: 'signature',
    ok: verdict.holds,
    wanted: `${algorithms.join(', ')} by a key that ${signer} publishes`,
  })
  if (verdict.holds) return
  throw verdict.because === 'key_unknown'
    ? new Refusal('credential.key_unknown', `${signer} publishes no such key`)
    : new Refusal('credential.signature_invalid', `no key of ${signer} verifies the signature`)
}

const reasonOfHeader = {
  parameter: 'credential.header_not_allowed',
  algorithm: 'credential.algorithm_not_allowed',
  kid: 'credential.malformed',
} as const

/**
 * What a signature check needs of a token's header.
 *
 * @throws Refusal `credential.header_not_allowed`, `credential.algorithm_not_allowed`, `credential.malformed`
 */
export const tokenHeader = (header: Claims, algorithms: readonly JwsAlgorithm[]): SignatureHeader => {
  try {
    return signatureHeader(header, algorithms)
  } catch (cause) {
    if (!(cause instanceof HeaderError)) throw cause
    throw new Refusal(reasonOfHeader[cause.fault], cause.message, { cause })
  }
}
