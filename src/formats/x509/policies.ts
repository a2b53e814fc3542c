import { type Certificate, isSelfIssued } from './certificate.ts'
import type { PolicyConstraints } from './extensions.ts'
import { anyPolicy, type PolicyMapping } from './policy-extensions.ts'

/**
 * Certificate policies along a path, by the graph of RFC 9618, which replaces the exponential tree of RFC 5280 sections
 * 6.1.2 to 6.1.6. The user's initial policy set is any policy, and nothing is demanded or inhibited at the beginning
 * but by the anchor (RFC 5937 section 3.2).
 */

/** A policy that is valid at one depth of the path. */
interface PolicyNode {
  readonly policy: string
  /** What it is called in the next certificate. */
  readonly expected: ReadonlySet<string>
  readonly parents: readonly PolicyNode[]
}

/** The nodes of one depth, by their policy. */
type Depth = ReadonlyMap<string, PolicyNode>

/** How many certificates until each rule comes into force (RFC 5280 section 6.1.2 (d) to (f)). */
interface Countdown {
  readonly explicitPolicy: number
  readonly inhibitAnyPolicy: number
  readonly policyMapping: number
}

interface PolicyState extends Countdown {
  /** Undefined once no policy is valid any more. */
  readonly nodes: Depth | undefined
}

/**
 * The policies that the path is valid for, in the terms of its anchor; undefined when it needs one and has none.
 *
 * @param path from the certificate that the anchor issued to the leaf
 */
export const validPolicies = (path: readonly Certificate[], anchor: Certificate): readonly string[] | undefined => {
  let state = initialState(path.length, anchor)
  for (const [at, certificate] of path.entries()) {
    const isLast = at === path.length - 1
    const nodes = nodesOf(certificate, state, isLast)
    if (state.explicitPolicy === 0 && nodes === undefined) return undefined
    if (isLast) return wrappedUp(certificate, { ...state, nodes })
    const prepared = preparedFor(certificate, { ...state, nodes })
    if (prepared === undefined) return undefined
    state = prepared
  }
  return undefined
}

/** RFC 5280 section 6.1.2 (a): where every path begins. */
const anyAtFirst: Depth = new Map([[anyPolicy, { policy: anyPolicy, expected: new Set([anyPolicy]), parents: [] }]])

const initialState = (length: number, anchor: Certificate): PolicyState => {
  const fresh = { explicitPolicy: length + 1, inhibitAnyPolicy: length + 1, policyMapping: length + 1 }
  return { nodes: anyAtFirst, ...limited(fresh, anchor) }
}

/** RFC 5280 section 6.1.3 (d) and (e), as RFC 9618 has it: the nodes of the depth of `certificate`. */
const nodesOf = (certificate: Certificate, state: PolicyState, isLast: boolean): Depth | undefined => {
  const policies = certificate.extensions.certificatePolicies?.policies
  if (policies === undefined || state.nodes === undefined) return undefined
  const above = [...state.nodes.values()]
  const any = state.nodes.get(anyPolicy)
  const expecting = byExpectation(above)
  const nodes = new Map<string, PolicyNode>()
  const add = (policy: string, parents: readonly PolicyNode[]): void => {
    nodes.set(policy, { policy, expected: new Set([policy]), parents })
  }
  for (const policy of policies) {
    if (policy === anyPolicy) continue
    const parents = expecting.get(policy) ?? (any === undefined ? [] : [any])
    if (parents.length > 0) add(policy, parents)
  }
  const anyCounts = state.inhibitAnyPolicy > 0 || (!isLast && isSelfIssued(certificate))
  if (policies.includes(anyPolicy) && anyCounts)
    for (const [policy, parents] of expecting) if (!nodes.has(policy)) add(policy, parents)
  return nodes.size === 0 ? undefined : nodes
}

/** The nodes of a depth by each name that they are expected under. */
const byExpectation = (nodes: readonly PolicyNode[]): ReadonlyMap<string, readonly PolicyNode[]> => {
  const expecting = new Map<string, PolicyNode[]>()
  for (const node of nodes)
    for (const policy of node.expected) {
      const others = expecting.get(policy)
      if (others === undefined) expecting.set(policy, [node])
      else others.push(node)
    }
  return expecting
}

/** RFC 5280 section 6.1.4 (a), (b), (h) to (j). Undefined where a mapping is one of anyPolicy. */
const preparedFor = (certificate: Certificate, state: PolicyState): PolicyState | undefined => {
  const mappings = certificate.extensions.policyMappings?.mappings ?? []
  if (mappings.some(mapsAnyPolicy)) return undefined
  const nodes = state.nodes === undefined ? undefined : mapped(state.nodes, mappings, state.policyMapping > 0)
  const counted = isSelfIssued(certificate) ? state : oneLess(state)
  return { nodes: nodes?.size === 0 ? undefined : nodes, ...limited(counted, certificate) }
}

const mapsAnyPolicy = ({ issuerDomainPolicy, subjectDomainPolicy }: PolicyMapping): boolean =>
  issuerDomainPolicy === anyPolicy || subjectDomainPolicy === anyPolicy

/**
 * RFC 5280 section 6.1.4 (b), as RFC 9618 has it: a mapped policy is expected under its new names, or is gone where
 * mapping is inhibited.
 */
const mapped = (nodes: Depth, mappings: readonly PolicyMapping[], isAllowed: boolean): Depth => {
  const changed = new Map(nodes)
  for (const policy of new Set(mappings.map(({ issuerDomainPolicy }) => issuerDomainPolicy))) {
    const node = nodes.get(policy) ?? asAny(nodes.get(anyPolicy), policy)
    if (!isAllowed) changed.delete(policy)
    else if (node !== undefined) changed.set(policy, { ...node, expected: namesOf(policy, mappings) })
  }
  return changed
}

/** A policy that is valid only because any is stands beside anyPolicy, under the same parents. */
const asAny = (any: PolicyNode | undefined, policy: string): PolicyNode | undefined =>
  any === undefined ? undefined : { ...any, policy }

const namesOf = (policy: string, mappings: readonly PolicyMapping[]): ReadonlySet<string> =>
  new Set(
    mappings.flatMap(({ issuerDomainPolicy, subjectDomainPolicy }) =>
      issuerDomainPolicy === policy ? [subjectDomainPolicy] : [],
    ),
  )

const oneLess = ({ explicitPolicy, inhibitAnyPolicy, policyMapping }: Countdown): Countdown => ({
  explicitPolicy: Math.max(0, explicitPolicy - 1),
  inhibitAnyPolicy: Math.max(0, inhibitAnyPolicy - 1),
  policyMapping: Math.max(0, policyMapping - 1),
})

/** The countdown as the extensions of `certificate` shorten it. */
const limited = (countdown: Countdown, { extensions }: Certificate): Countdown => {
  const { requireExplicitPolicy, inhibitPolicyMapping }: PolicyConstraints = extensions.policyConstraints ?? {}
  return {
    explicitPolicy: Math.min(countdown.explicitPolicy, requireExplicitPolicy ?? Number.POSITIVE_INFINITY),
    policyMapping: Math.min(countdown.policyMapping, inhibitPolicyMapping ?? Number.POSITIVE_INFINITY),
    inhibitAnyPolicy: Math.min(countdown.inhibitAnyPolicy, extensions.inhibitAnyPolicy ?? Number.POSITIVE_INFINITY),
  }
}

/** RFC 5280 section 6.1.5 (a), (b), (g): only a demand for a policy from the next certificate on counts at the end. */
const wrappedUp = (leaf: Certificate, { explicitPolicy, nodes }: PolicyState): readonly string[] | undefined => {
  const isRequired = explicitPolicy <= 1 || leaf.extensions.policyConstraints?.requireExplicitPolicy === 0
  const policies = nodes === undefined ? [] : authorityConstrained(nodes)
  return isRequired && policies.length === 0 ? undefined : policies
}

/**
 * RFC 5280 section 6.1.5 (g), as RFC 9618 has it: of the nodes that lead to the last depth, those that come right below
 * an anyPolicy, so the names that the anchor's own domain has for what is valid.
 */
const authorityConstrained = (last: Depth): readonly string[] => {
  const policies = new Set<string>()
  const reached = new Set<PolicyNode>(last.values())
  for (const { policy, parents } of reached) {
    if (policy !== anyPolicy && parents.some((parent) => parent.policy === anyPolicy)) policies.add(policy)
    for (const parent of parents) reached.add(parent)
  }
  if (last.has(anyPolicy)) policies.add(anyPolicy)
  return [...policies]
}
