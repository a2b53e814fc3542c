import type { Claims, Json } from '../domain/claims.ts'
import type { Client } from '../domain/client.ts'
import type { VerifiedCredential } from '../domain/credential.ts'
import type { Passage } from '../domain/exchange.ts'
import { type CanonicalIdentity, type IdentityFields, type Labelled, mappedTo } from '../domain/identity.ts'
import { type Reason, Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import type { TokenType } from '../domain/token-type.ts'
import type { Trace } from '../domain/trace.ts'
import type { Facts } from '../expressions/expression.ts'
import { identityFacts } from '../expressions/identity-facts.ts'
import { nearestMiss } from './nearest-miss.ts'
import type { IdentityMapping, Mapped, Requirement, Rule, TrustMap } from './trust-map.ts'
import { isIdentifier } from './value.ts'

/** What is known beside the credential. */
export interface Context {
  readonly client: Client
  /** What is asked: `targets` and `scope`. */
  readonly request: Claims
  readonly now: Instant
  /** The version of the documents in force. */
  readonly version: string
  /** Who acts for the subject, verified and mapped. */
  readonly actor?: Actor
  /** The gateway that asks and what its caller asked of it. */
  readonly gateway?: Passage
}

/** A party that acts for a subject: what it has proven, by which map, and who it is inside. */
export interface Actor {
  readonly map: string
  readonly type: TokenType
  readonly credential: VerifiedCredential
  readonly identity: CanonicalIdentity
  /** The request names it (`actor_token`), so it must not be passed over in silence. */
  readonly isNamed: boolean
}

/**
 * VerifiedCredential -> CanonicalIdentity: the first rule whose conditions hold says who the subject becomes and what
 * it may be granted. No rule means no. In `mode: audit` what validation rules refuse is recorded and let pass.
 *
 * @throws Refusal `map.*`, `rule.*`, `identity.invalid`
 */
export const map = (credential: VerifiedCredential, trustMap: TrustMap, context: Context, trace: Trace): Mapped => {
  trace.map = trustMap.name
  trace.version = context.version
  if (trustMap.mode === 'disabled') throw new Refusal('map.disabled', `the trust map ${trustMap.name} is disabled`)
  const facts = factsOf(credential, context)
  judge(trustMap.requirements, 'map.validation_failed', facts, trustMap, trace)
  const rule = ruleFor(facts, context.now, trustMap, trace)
  trace.rule = rule.name
  if (context.actor?.isNamed === true && !rule.isDelegation)
    throw new Refusal('request.actor_unsupported', `the rule ${rule.name} says nothing about an actor`)
  const identity = identityOf(credential, facts, rule, trustMap, context)
  trace.subject = identity.subject
  if (trustMap.identityRequirements.length > 0)
    judge(
      trustMap.identityRequirements,
      'identity.invalid',
      { ...facts, identity: identityFacts(identity) },
      trustMap,
      trace,
    )
  const { allowance, expiresAt: until } = rule
  return { identity, allowance, ...(until === undefined ? {} : { until }) }
}

const nothing: Claims = {}

const factsOf = (credential: VerifiedCredential, { client, request, now, actor, gateway }: Context): Facts => ({
  claims: credential.claims,
  header: credential.header,
  client: { id: client.id, method: client.method },
  request: gateway === undefined ? request : { ...request, ...gateway.request },
  gateway: gateway === undefined ? nothing : { name: gateway.name },
  identity: nothing,
  actor: actor === undefined ? nothing : factsOfActor(actor),
  now: BigInt(Math.floor(now)),
})

const factsOfActor = ({ map: name, credential, identity }: Actor): Claims => ({
  map: name,
  kind: credential.kind,
  claims: credential.claims,
  subject: identity.subject.value,
  type: identity.type,
})

const judge = (
  requirements: readonly Requirement[],
  reason: Reason,
  facts: Facts,
  trustMap: TrustMap,
  trace: Trace,
): void => {
  for (const requirement of requirements) {
    const refusal = refusalOf(requirement, reason, facts, trustMap.mode === 'audit')
    if (trace.detailed) recordRequirement(requirement, refusal === undefined, facts, trace)
    if (refusal === undefined) continue
    if (trustMap.mode !== 'audit') throw refusal
    trace.wouldRefuse ??= { reason: refusal.reason, detail: refusal.detail }
  }
}

/** Where refusals are only recorded, so is a requirement that cannot be judged. */
const refusalOf = (requirement: Requirement, reason: Reason, facts: Facts, recorded: boolean): Refusal | undefined => {
  const { message, location } = requirement
  try {
    if (requirement.holds(facts)) return undefined
    return new Refusal(reason, `${message} (${location.file}:${location.line})`)
  } catch (thrown) {
    if (recorded && thrown instanceof Refusal) return thrown
    throw thrown
  }
}

const recordRequirement = (requirement: Requirement, ok: boolean, facts: Facts, trace: Trace): void => {
  const { path, text, location } = requirement
  trace.checks.push({ stage: 'map', check: path, ok, wanted: text, seen: requirement.seen(facts), location })
}

const ruleFor = (facts: Facts, now: Instant, trustMap: TrustMap, trace: Trace): Rule => {
  const rule = trace.detailed
    ? trustMap.rules.find((candidate) => speaksInDetail(candidate, facts, trace))
    : trustMap.firstRule(facts.claims, (candidate) => candidate.conditions.every(({ holds }) => holds(facts)))
  if (rule === undefined) {
    const miss = nearestMiss(triedRules(facts, trustMap), trustMap.rules, facts, trace.detailed)
    throw new Refusal('rule.none_matched', miss)
  }
  if (rule.expiresAt !== undefined && now >= rule.expiresAt) {
    const { name, location } = rule
    throw new Refusal('rule.expired', `the rule ${name} (${location.file}:${location.line}) has expired`)
  }
  return rule
}

const triedRules = (facts: Facts, trustMap: TrustMap): readonly Rule[] => {
  const tried: Rule[] = []
  trustMap.firstRule(facts.claims, (rule) => {
    tried.push(rule)
    return false
  })
  return tried
}

/** The same answer, with a check for every condition that was looked at. */
const speaksInDetail = (rule: Rule, facts: Facts, trace: Trace): boolean => {
  const { index, location } = rule
  if (rule.conditions.length === 0)
    trace.checks.push({ stage: 'map', check: `rules[${index}]`, ok: true, wanted: 'any credential', location })
  return rule.conditions.every((condition) => {
    const { wanted, location: place } = condition
    const check = `rules[${index}].when.${condition.path}`
    const record = (ok: boolean) =>
      trace.checks.push({ stage: 'map', check, ok, wanted, seen: condition.seen(facts), location: place })
    try {
      const ok = condition.holds(facts)
      record(ok)
      return ok
    } catch (thrown) {
      record(false)
      throw thrown
    }
  })
}

const identityOf = (
  credential: VerifiedCredential,
  facts: Facts,
  rule: Rule,
  trustMap: TrustMap,
  { version, actor }: Context,
): CanonicalIdentity => {
  const { issuer, subject, authentication } = credential
  return mappedTo({
    ...fieldsOf(rule, facts, credential),
    origin: { issuer, subject, map: trustMap.name, rule: rule.name, version },
    ...(actor === undefined || !rule.isDelegation ? {} : { actor: actor.identity }),
    ...(authentication === undefined ? {} : { authentication }),
  })
}

/** What is wrong with a value is told together with the rule that maps it. */
const fieldsOf = (rule: Rule, facts: Facts, credential: VerifiedCredential): IdentityFields => {
  try {
    const fields = rule.identity === 'same' ? keptFields(credential) : mappedFields(rule.identity, facts)
    requireIdentifier(fields.subject.value, 'subject')
    if (fields.tenant !== undefined) requireIdentifier(fields.tenant.value, 'tenant')
    return fields
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown
    const { name, location } = rule
    throw new Refusal(thrown.reason, `the rule ${name} (${location.file}:${location.line}): ${thrown.detail}`)
  }
}

/** Who a token of ours says that it is: it was mapped when the token was made. */
const keptFields = ({ own }: VerifiedCredential): IdentityFields => {
  if (own === undefined) throw new Refusal('internal', 'only a token of ours can keep its identity')
  return own.identity
}

const mappedFields = (mapping: IdentityMapping, facts: Facts): IdentityFields => {
  const subject = mapping.subject(facts)
  const tenant = mapping.tenant?.(facts)
  const groups = mapping.groups?.(facts)
  const roles = mapping.roles?.(facts)
  const entitlements = mapping.entitlements?.(facts)
  return {
    type: mapping.type,
    subject,
    attributes: attributesOf(mapping, facts),
    ...(tenant === undefined ? {} : { tenant }),
    ...(groups === undefined ? {} : { groups }),
    ...(roles === undefined ? {} : { roles }),
    ...(entitlements === undefined ? {} : { entitlements }),
  }
}

const requireIdentifier = (value: string, what: 'subject' | 'tenant'): void => {
  if (!isIdentifier(value, what))
    throw new Refusal('identity.invalid', `the ${what} is empty, too long or has characters that cannot be seen`)
}

const attributesOf = (mapping: IdentityMapping, facts: Facts): ReadonlyMap<string, Labelled<Json>> => {
  const attributes = new Map<string, Labelled<Json>>()
  for (const [name, read] of mapping.attributes) {
    const value = read(facts)
    if (value !== undefined) attributes.set(name, value)
  }
  return attributes
}
