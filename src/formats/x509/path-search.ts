import type { CertificateSignatures } from '../../ports/certificate-signatures.ts'
import { type Candidate, candidatesFor } from './candidates.ts'
import { type Certificate, isSelfIssued } from './certificate.ts'
import { checkSigned, isKnownToHold, type SignatureBudget } from './issued-by.ts'
import { sameName } from './name.ts'
import type { ComparisonBudget } from './name-matching.ts'
import { anchorFault, issuerFault, type OwnJudgement } from './own-faults.ts'
import { judgeConstraints } from './path-constraints.ts'
import { PathError, type PathFault } from './path-error.ts'

/** What is searched in, and what for. */
export interface SearchRequest extends OwnJudgement {
  readonly leaf: Certificate
  readonly intermediates: readonly Certificate[]
  readonly anchors: readonly Certificate[]
  readonly maxIntermediates: number
}

export interface FoundPath {
  /** From the leaf to the anchor. */
  readonly certificates: readonly Certificate[]
  readonly policies: readonly string[]
}

/** The work that may still be done, whatever the presented certificates are like. */
export interface SearchBudget {
  readonly signatures: SignatureBudget
  readonly comparisons: ComparisonBudget
  /** Certificates that are tried as issuers. */
  steps: number
  /** Whole paths that are judged. */
  paths: number
}

export interface Search {
  readonly request: SearchRequest
  readonly signatures: CertificateSignatures
  readonly budget: SearchBudget
  /** What further a found path is asked, such as whether it was revoked; its fault, or undefined. */
  readonly judge: ((path: FoundPath) => Promise<PathFault | undefined>) | undefined
}

const mostIntermediates = 256
/** Self-issued certificates are not counted otherwise, so the whole path is. */
const longestPath = 24

export const freshBudget = (): SearchBudget => ({
  signatures: { left: 100 },
  comparisons: { left: 65_536 },
  steps: 1_024,
  paths: 64,
})

/** @throws PathError `too_complex` when there are too many certificates to search in. */
export const openSearch = (
  request: SearchRequest,
  signatures: CertificateSignatures,
  judge?: Search['judge'],
  budget: SearchBudget = freshBudget(),
): Search => {
  if (request.intermediates.length > mostIntermediates) throw new PathError('too_complex')
  return { request, signatures, budget, judge }
}

/** A fault, and how far the path had come that showed it: the farthest is the most telling. */
interface Finding {
  readonly fault: PathFault
  readonly detail?: string
  readonly reach: number
}

type Outcome = { readonly found: FoundPath } | Finding

/**
 * Looks for a path depth first, from the leaf up, and goes back wherever one does not hold (RFC 4158).
 *
 * @throws PathError
 */
export const findPath = async (search: Search): Promise<FoundPath> => {
  const outcome = await extend(search, [search.request.leaf])
  if ('found' in outcome) return outcome.found
  throw new PathError(outcome.fault, outcome.detail)
}

/** How far a path came. */
const reach = { nowhere: 0, unusableIssuer: 1, anchor: 2 } as const

const untrusted: Finding = { fault: 'untrusted', reach: reach.nowhere }

/** The first of those that came farthest: candidates are tried in the order of their promise. */
const moreTelling = (one: Finding, other: Finding): Finding => (other.reach > one.reach ? other : one)

/** Tries everything that may have issued the last certificate of `trail`. */
const extend = async (search: Search, trail: readonly Certificate[]): Promise<Outcome> => {
  let finding = untrusted
  for (const candidate of candidatesFor(lastOf(trail), search.request)) {
    if (isRepeated(candidate.certificate, trail)) continue
    if (--search.budget.steps < 0) throw new PathError('too_complex')
    const outcome = await tryIssuer(search, trail, candidate)
    if ('found' in outcome) return outcome
    finding = moreTelling(finding, outcome)
  }
  return finding
}

const lastOf = (trail: readonly Certificate[]): Certificate => {
  const last = trail.at(-1)
  if (last === undefined) throw new PathError('untrusted')
  return last
}

/** The same subject with the same key brings nothing new, and cycles end here (RFC 4158 section 5.2). */
const isRepeated = ({ subject, spki }: Certificate, trail: readonly Certificate[]): boolean =>
  trail.some((each) => sameName(each.subject, subject) && isSameBytes(each.spki, spki))

const isSameBytes = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((octet, at) => octet === other[at])

const tryIssuer = async (
  search: Search,
  trail: readonly Certificate[],
  { certificate, isAnchor }: Candidate,
): Promise<Outcome> => {
  const { request } = search
  const fault = isAnchor ? anchorFault(certificate, request) : issuerFault(certificate, request)
  if (fault !== undefined) return { fault: fault.fault, detail: fault.detail, reach: reach.unusableIssuer }
  const longer = [...trail, certificate]
  if (!isAnchor && !hasRoom(longer, request)) return { fault: 'constraint', reach: reach.unusableIssuer }
  const signed = lastOf(trail)
  const verdict = isKnownToHold(signed, certificate)
    ? 'holds'
    : await checkSigned(signed, certificate, search.signatures, search.budget.signatures)
  if (verdict === 'too_complex') throw new PathError('too_complex')
  if (verdict === 'algorithm') return { fault: 'algorithm', reach: reach.unusableIssuer }
  if (verdict === 'does not hold') return untrusted
  return isAnchor ? judged(search, longer) : extend(search, longer)
}

const hasRoom = (trail: readonly Certificate[], { maxIntermediates }: SearchRequest): boolean =>
  trail.length <= longestPath && trail.slice(1).filter((each) => !isSelfIssued(each)).length <= maxIntermediates

/** Judges a whole path. */
const judged = async (search: Search, certificates: readonly Certificate[]): Promise<Outcome> => {
  if (--search.budget.paths < 0) throw new PathError('too_complex')
  const anchor = lastOf(certificates)
  const path = { anchor, certificates: certificates.slice(0, -1).toReversed() }
  const verdict = judgeConstraints(path, search.budget.comparisons)
  if (!verdict.ok && verdict.fault === 'too_complex') throw new PathError('too_complex')
  if (!verdict.ok) return { fault: verdict.fault, reach: reach.anchor }
  const found = { certificates, policies: verdict.policies }
  const fault = await search.judge?.(found)
  return fault === undefined ? { found } : { fault, reach: reach.anchor }
}
