import type { Instant } from '../../domain/time.ts'
import type { CertificateSignatures } from '../../ports/certificate-signatures.ts'
import type { Certificate } from './certificate.ts'
import type { Crl } from './crl.ts'
import { leafFault } from './own-faults.ts'
import { PathError } from './path-error.ts'
import { findPath, freshBudget, openSearch, type Search } from './path-search.ts'
import { statusJudge } from './revocation.ts'

export { PathError } from './path-error.ts'

/** What a path is asked for. */
export interface PathRequest {
  readonly leaf: Certificate
  /** In any order. */
  readonly intermediates: readonly Certificate[]
  readonly anchors: readonly Certificate[]
  readonly at: Instant
  /**
   * The purpose that the leaf must be good for, and every authority that is limited to purposes. Absent: not judged.
   */
  readonly extendedKeyUsage?: 'clientAuth' | 'serverAuth'
  /** How many certificates may stand between leaf and anchor, 10 if absent. Self-issued ones are not counted. */
  readonly maxIntermediates?: number
  /** Must the leaf name the key of its issuer (RFC 5280 section 4.2.1.1)? True if absent. */
  readonly needsAuthorityKeyIdentifier?: boolean
  /** Given, even empty: the status of every certificate but the anchor must be known, from these lists. */
  readonly crls?: readonly Crl[]
}

/** A path that holds. */
export interface ValidPath {
  /** From the leaf to the anchor. */
  readonly certificates: readonly Certificate[]
  /** The policies that the whole path is valid for, in the anchor's terms; `2.5.29.32.0` is any. */
  readonly policies: readonly string[]
  /** The last second that all of its certificates are valid in. */
  readonly validUntil: Instant
}

const defaultIntermediates = 10

/**
 * Finds a path from the leaf to an anchor that holds in every point (RFC 5280 section 6; docs/x509.md says which, and
 * where this goes beyond it). Nothing is fetched. The work is bounded whatever is presented.
 *
 * @throws PathError
 */
export const validatePath = async (request: PathRequest, signatures: CertificateSignatures): Promise<ValidPath> => {
  const fault = leafFault(request.leaf, request)
  if (fault !== undefined) throw new PathError(fault.fault, fault.detail)
  const { certificates, policies } = await findPath(searchFor(request, signatures))
  return { certificates, policies, validUntil: Math.min(...certificates.map(({ notAfter }) => notAfter)) }
}

const searchFor = (request: PathRequest, signatures: CertificateSignatures): Search => {
  const { crls, maxIntermediates = defaultIntermediates } = request
  const [search, budget] = [{ ...request, maxIntermediates }, freshBudget()]
  const judge = crls === undefined ? undefined : statusJudge({ request: search, signatures, budget, crls })
  return openSearch(search, signatures, judge, budget)
}
