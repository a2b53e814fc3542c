import { type Certificate, isSelfIssued } from './certificate.ts'
import { type ComparisonBudget, judgeNames } from './name-matching.ts'
import type { PathFault } from './path-error.ts'
import { validPolicies } from './policies.ts'

/** A path in the order of trust, its signatures already checked: what is judged is how its certificates go together. */
export interface OrderedPath {
  readonly anchor: Certificate
  /** From the one that the anchor issued to the leaf. */
  readonly certificates: readonly Certificate[]
}

export type ConstraintsVerdict =
  | { readonly ok: true; readonly policies: readonly string[] }
  | { readonly ok: false; readonly fault: PathFault }

/** Path length, names and policies (RFC 5280 section 6.1). The anchor's own constraints count (RFC 5937). */
export const judgeConstraints = (path: OrderedPath, budget: ComparisonBudget): ConstraintsVerdict => {
  if (!isShortEnough(path)) return { ok: false, fault: 'constraint' }
  const names = namesFault(path, budget)
  if (names !== undefined) return { ok: false, fault: names }
  const policies = validPolicies(path.certificates, path.anchor)
  return policies === undefined ? { ok: false, fault: 'constraint' } : { ok: true, policies }
}

/** RFC 5280 section 6.1.4 (l) and (m): a path length counts the authorities below that are not self-issued. */
const isShortEnough = ({ anchor, certificates }: OrderedPath): boolean => {
  let left = anchor.extensions.basicConstraints?.pathLen ?? Number.POSITIVE_INFINITY
  for (const authority of certificates.slice(0, -1)) {
    if (!isSelfIssued(authority) && --left < 0) return false
    left = Math.min(left, authority.extensions.basicConstraints?.pathLen ?? Number.POSITIVE_INFINITY)
  }
  return true
}

/** RFC 5280 sections 6.1.3 (b), (c) and 6.1.4 (g): every authority's constraints hold for all certificates below it. */
const namesFault = ({ anchor, certificates }: OrderedPath, budget: ComparisonBudget): PathFault | undefined => {
  const leaf = certificates.at(-1)
  for (const [at, authority] of [anchor, ...certificates].entries()) {
    const { nameConstraints } = authority.extensions
    if (nameConstraints === undefined) continue
    for (const certificate of certificates.slice(at)) {
      if (certificate !== leaf && isSelfIssued(certificate)) continue
      const verdict = judgeNames(certificate, nameConstraints, budget)
      if (verdict !== 'allowed') return verdict === 'violated' ? 'constraint' : 'too_complex'
    }
  }
  return undefined
}
