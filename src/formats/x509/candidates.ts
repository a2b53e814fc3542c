import type { Instant } from '../../domain/time.ts'
import type { Certificate } from './certificate.ts'
import { sameName } from './name.ts'

/** A certificate that bears the name of an issuer. */
export interface Candidate {
  readonly certificate: Certificate
  readonly isAnchor: boolean
}

interface Pool {
  readonly intermediates: readonly Certificate[]
  readonly anchors: readonly Certificate[]
  readonly at: Instant
}

/**
 * All that may have issued `certificate`, by their name, the most promising first: those whose key it names, then those
 * that are valid, then anchors. Key identifiers help to find the issuer and prove nothing (RFC 5280 section 4.2.1.1).
 */
export const candidatesFor = (certificate: Certificate, { intermediates, anchors, at }: Pool): readonly Candidate[] => {
  const named = [
    ...anchors.map((each) => ({ certificate: each, isAnchor: true })),
    ...intermediates.map((each) => ({ certificate: each, isAnchor: false })),
  ].filter((candidate) => sameName(candidate.certificate.subject, certificate.issuer))
  if (named.length < 2) return named
  const rank = ({ certificate: candidate }: Candidate): number =>
    2 * keyRank(certificate, candidate) + (isValidAt(candidate, at) ? 0 : 1)
  return named.toSorted((one, other) => rank(one) - rank(other))
}

/** Is the key of `issuer` the one that `certificate` names (0), another (2), or is it not said (1)? */
const keyRank = ({ extensions }: Certificate, issuer: Certificate): number => {
  const wanted = extensions.authorityKeyIdentifier?.keyIdentifier
  const own = issuer.extensions.subjectKeyIdentifier
  if (wanted === undefined || own === undefined) return 1
  return wanted === own ? 0 : 2
}

const isValidAt = ({ notBefore, notAfter }: Certificate, at: Instant): boolean => notBefore <= at && at <= notAfter
