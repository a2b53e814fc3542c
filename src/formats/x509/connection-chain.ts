import type { Instant, Seconds } from '../../domain/time.ts'
import { type Certificate, parseCertificate } from './certificate.ts'

/**
 * What is found out about the chain of a connection holds for as long as the connection does, and whoever opened it can
 * ask again and again: so it is taken apart once, and what was refused is not worked through anew at each request.
 */

/** The certificates that somebody presented over a connection, DER, the leaf first. */
type Chain = readonly [Uint8Array, ...Uint8Array[]]

/** The same, taken apart: the leaf first, the others in no order that matters. */
export type ParsedChain = readonly [Certificate, ...Certificate[]]

const chains = new WeakMap<Chain, ParsedChain>()

/** @throws FormatError */
export const parsedChain = (chain: Chain): ParsedChain => {
  const known = chains.get(chain)
  if (known !== undefined) return known
  const [leaf, ...others] = chain
  const parsed: ParsedChain = [parseCertificate(leaf), ...others.map(parseCertificate)]
  chains.set(chain, parsed)
  return parsed
}

interface Failure {
  readonly error: unknown
  readonly from: Instant
}

/** How long a refusal stands without being looked into again. */
const patience: Seconds = 60

const failures = new WeakMap<Certificate, WeakMap<readonly Certificate[], Failure>>()

/**
 * Does `work`, which judges `leaf` by `anchors`, unless it failed for the same two less than a minute ago: then it fails
 * in the same way. What holds is judged anew each time; its signatures are known by then.
 */
export const unlessRefused = async <T>(
  leaf: Certificate,
  anchors: readonly Certificate[],
  now: Instant,
  work: () => Promise<T>,
): Promise<T> => {
  const known = failures.get(leaf)?.get(anchors)
  if (known !== undefined && now >= known.from && now < known.from + patience) throw known.error
  try {
    return await work()
  } catch (error) {
    const ofLeaf = failures.get(leaf) ?? new WeakMap<readonly Certificate[], Failure>()
    failures.set(leaf, ofLeaf.set(anchors, { error, from: now }))
    throw error
  }
}
