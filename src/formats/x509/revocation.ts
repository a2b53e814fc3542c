import type { CertificateSignatures } from '../../ports/certificate-signatures.ts'
import type { Certificate } from './certificate.ts'
import type { Crl } from './crl.ts'
import { isCurrent, isDeltaTo, isRevoked, isUsable } from './crl-lookup.ts'
import { allReasons, pointsOf, reasonsCovered } from './crl-scope.ts'
import { isGenuine, type SignerSearch } from './crl-signer.ts'
import { PathError, type PathFault } from './path-error.ts'
import type { FoundPath, Search, SearchBudget, SearchRequest } from './path-search.ts'

/** What certificates' status is found out from. */
export interface StatusInquiry {
  readonly request: SearchRequest
  readonly signatures: CertificateSignatures
  readonly budget: SearchBudget
  readonly crls: readonly Crl[]
}

type Status = 'good' | Extract<PathFault, 'revoked' | 'status_unknown'>

const mostCrls = 512
/** A CRL's signer, the signer of the CRL that the signer is judged by, and one more. */
const deepestSigner = 3

/**
 * A judge of paths for which the status of every certificate but the anchor must be good by the lists of `inquiry` (RFC
 * 5280 section 6.3).
 */
export const statusJudge = (inquiry: StatusInquiry): Search['judge'] => {
  if (inquiry.crls.length > mostCrls) throw new PathError('too_complex')
  return judgeUnder(inquiry, [])
}

/** `pending` are the CRL signers whose own status is being found out, each for the sake of the one before. */
const judgeUnder =
  (inquiry: StatusInquiry, pending: readonly Certificate[]): Search['judge'] =>
  async (path) => {
    let fault: PathFault | undefined
    for (const certificate of path.certificates.slice(0, -1)) {
      const status = await statusOf(certificate, path, inquiry, pending)
      if (status === 'revoked') return status
      if (status !== 'good') fault = status
    }
    return fault
  }

/** RFC 5280 section 6.3.3: goes on until all reasons are covered. */
const statusOf = async (
  certificate: Certificate,
  path: FoundPath,
  inquiry: StatusInquiry,
  pending: readonly Certificate[],
): Promise<Status> => {
  const covered = new Set<number>()
  for (const point of pointsOf(certificate))
    for (const crl of completeLists(inquiry)) {
      const reasons = [...reasonsCovered(crl, certificate, point)]
      if (reasons.every((reason) => covered.has(reason))) continue
      const lists = await listsThatCount(crl, certificate, path, inquiry, pending)
      if (lists === undefined) continue
      if (isRevoked(certificate, lists.complete, lists.delta)) return 'revoked'
      for (const reason of reasons) covered.add(reason)
      if (covered.size === allReasons.size) return 'good'
    }
  return 'status_unknown'
}

/** The newest first: what it covers is not asked of an older one. */
const completeLists = ({ crls, request }: StatusInquiry): readonly Crl[] =>
  crls
    .filter((crl) => crl.extensions.deltaBase === undefined && crl.thisUpdate <= request.at && isUsable(crl))
    .toSorted((one, other) => other.thisUpdate - one.thisUpdate)

interface Lists {
  readonly complete: Crl
  readonly delta: Crl | undefined
}

/** The list with the newest delta to it; undefined when it does not count, being too old or not genuine. */
const listsThatCount = async (
  complete: Crl,
  certificate: Certificate,
  path: FoundPath,
  inquiry: StatusInquiry,
  pending: readonly Certificate[],
): Promise<Lists | undefined> => {
  const search = signerSearch(inquiry, pending)
  const delta = await newestDelta(complete, path, inquiry, search)
  const announcesDeltas =
    certificate.extensions.freshestCrl !== undefined || complete.extensions.freshestCrl !== undefined
  // A list past its time is brought up to date by a delta, if one was announced (RFC 5280 section 6.3.3 (a)).
  const isUpToDate = isCurrent(complete, inquiry.request.at) || (delta !== undefined && announcesDeltas)
  return isUpToDate && (await isGenuine(complete, path, search)) ? { complete, delta } : undefined
}

const newestDelta = async (
  complete: Crl,
  path: FoundPath,
  { crls, request }: StatusInquiry,
  search: SignerSearch,
): Promise<Crl | undefined> => {
  const deltas = crls
    .filter((crl) => isDeltaTo(crl, complete) && isUsable(crl) && isCurrent(crl, request.at))
    .toSorted((one, other) => other.thisUpdate - one.thisUpdate)
  for (const delta of deltas) if (await isGenuine(delta, path, search)) return delta
  return undefined
}

const signerSearch = (inquiry: StatusInquiry, pending: readonly Certificate[]): SignerSearch => ({
  ...inquiry,
  speaker: pending.at(-1),
  judge: (signer) => {
    if (pending.includes(signer) || pending.length >= deepestSigner) return () => Promise.resolve('status_unknown')
    return judgeUnder(inquiry, [...pending, signer])
  },
})
