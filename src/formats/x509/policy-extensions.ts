import { FormatError } from '../format-error.ts'
import { type DerNode, tags } from './der.ts'
import { elementsOf, fieldsOf, oidIn } from './der-fields.ts'

/** The policy that stands for every other (RFC 5280 section 4.2.1.4). */
export const anyPolicy = '2.5.29.32.0'

/** A policy of the issuer's that it takes for the same as one of the subject's (RFC 5280 section 4.2.1.5). */
export interface PolicyMapping {
  readonly issuerDomainPolicy: string
  readonly subjectDomainPolicy: string
}

const mostPolicies = 128

/** certificatePolicies (RFC 5280 section 4.2.1.4). */
export interface Policies {
  /** Dotted OIDs. */
  readonly policies: readonly string[]
  /**
   * Are all qualifiers of a known kind? They say nothing to a machine, but in a critical extension they must be known.
   */
  readonly areQualifiersKnown: boolean
}

/** None twice. @throws FormatError */
export const policiesIn = (node: DerNode): Policies => {
  const all = elementsOf(node, mostPolicies).map(policyIn)
  const policies = all.map(({ policy }) => policy)
  if (new Set(policies).size !== policies.length) throw new FormatError('a policy is there twice')
  const qualifiers = all.flatMap((each) => each.qualifiers)
  return { policies, areQualifiersKnown: qualifiers.every((qualifier) => knownQualifiers.has(qualifier)) }
}

/** The pointer to a practice statement, and the notice to users. */
const knownQualifiers: ReadonlySet<string> = new Set(['1.3.6.1.5.5.7.2.1', '1.3.6.1.5.5.7.2.2'])

const policyIn = (node: DerNode): { readonly policy: string; readonly qualifiers: readonly string[] } => {
  const fields = fieldsOf(node)
  const policy = oidIn(fields.next(tags.oid))
  const qualifiers = fields.optional(tags.sequence)
  fields.end()
  return { policy, qualifiers: qualifiers === undefined ? [] : elementsOf(qualifiers, mostPolicies).map(qualifierIn) }
}

const qualifierIn = (node: DerNode): string => {
  const fields = fieldsOf(node)
  const qualifier = oidIn(fields.next(tags.oid))
  fields.any()
  fields.end()
  return qualifier
}

/** Whether one of them maps anyPolicy is judged with the path. @throws FormatError */
export const policyMappingsIn = (node: DerNode): readonly PolicyMapping[] =>
  elementsOf(node, mostPolicies).map((mapping) => {
    const fields = fieldsOf(mapping)
    const issuerDomainPolicy = oidIn(fields.next(tags.oid))
    const subjectDomainPolicy = oidIn(fields.next(tags.oid))
    fields.end()
    return { issuerDomainPolicy, subjectDomainPolicy }
  })
