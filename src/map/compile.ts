import type { Json } from '../domain/claims.ts'
import type { Instant } from '../domain/time.ts'
import { isExpression } from '../expressions/expression.ts'
import { pathText } from '../formats/documents.ts'
import type { Draft } from '../formats/draft.ts'
import { compileConditions, compileIdentityRequirement, compileRequirement } from './condition.ts'
import type { Preset } from './presets.ts'
import { indexRules } from './rule-index.ts'
import type { IdentitySpec, RuleSpec, TrustMapSpec } from './schema.ts'
import type { IdentityMapping, Mapping, Requirement, Rule, TrustMap } from './trust-map.ts'
import { attribute, compileMapping, compileSubject, oneText, texts } from './value.ts'

/** What a TrustMap document says beside its rules, and what is known of its source. */
export interface Headed {
  readonly name: string
  /** The kind of source and its settings, the preset's under the map's own. */
  readonly source: { readonly kind: string; readonly config: unknown }
  readonly preset?: Preset
}

/** Makes a trust map of a `spec` in which its schema found no fault. */
export const compileTrustMap = (draft: Draft, spec: TrustMapSpec, { name, source, preset }: Headed): TrustMap => {
  const compileOnce = identityCompiler()
  const said = [spec.rules, spec.claimValidationRules, spec.identityValidationRules, preset?.claimValidationRules]
  const rules = spec.rules.map((rule, index) =>
    compileRule(draft, index, rule, rule.identity === 'same' ? rule.identity : compileOnce(rule.identity)),
  )
  return {
    name,
    location: draft.locate(['metadata', 'name']),
    mode: spec.mode,
    source: { ...source, location: draft.locate(['spec', 'source', source.kind]) },
    requirements: compileRequirements(draft, spec.claimValidationRules, preset),
    rules,
    firstRule: indexRules(rules),
    readsActor: rules.some(({ isDelegation }) => isDelegation),
    readsRequest: spec.rules.some(({ when }) => when?.request !== undefined) || readsVariable(said, 'request'),
    readsNow: readsVariable(said, 'now'),
    identityRequirements: spec.identityValidationRules.map((requirement, index) => {
      const path = ['identityValidationRules', index]
      return compileIdentityRequirement(draft, pathText(path), ['spec', ...path], requirement)
    }),
  }
}

/** Does an expression anywhere in `spec` read the variable `name`? */
const readsVariable = (spec: unknown, name: string): boolean => {
  if (typeof spec !== 'object' || spec === null) return false
  if (isExpression(spec)) return spec.reads.includes(name)
  return Object.values(spec).some((inner) => readsVariable(inner, name))
}

/** The preset's requirements stand where the map names the preset. */
const compileRequirements = (
  draft: Draft,
  own: TrustMapSpec['claimValidationRules'],
  preset: Preset | undefined,
): readonly Requirement[] => [
  ...(preset?.claimValidationRules ?? []).map((spec) =>
    compileRequirement(draft, 'source.preset', ['spec', 'source', 'preset'], spec),
  ),
  ...own.map((spec, index) => {
    const path = ['claimValidationRules', index]
    return compileRequirement(draft, pathText(path), ['spec', ...path], spec)
  }),
]

const compileRule = (draft: Draft, index: number, spec: RuleSpec, identity: Rule['identity']): Rule => {
  const at = ['spec', 'rules', index]
  return {
    name: spec.name,
    index,
    location: draft.locate([...at, 'name']),
    conditions: compileConditions(draft, [...at, 'when'], spec.when),
    isDelegation: spec.when?.actor !== undefined,
    identity,
    allowance: spec.grant,
    ...(spec.expires === undefined ? {} : { expiresAt: endOfDay(spec.expires) }),
  }
}

/** A rule is good through the whole of its last day, in UTC. */
const endOfDay = (day: string): Instant => Date.parse(`${day}T00:00:00Z`) / 1000 + 86_400

/** Compiles identities. Rules that say the same share one, which keeps it in the processor's caches. */
const identityCompiler = (): ((spec: IdentitySpec) => IdentityMapping) => {
  const compiled = new Map<string, IdentityMapping>()
  return (spec) => {
    const key = JSON.stringify(spec)
    const identity = compiled.get(key) ?? compileIdentity(spec)
    compiled.set(key, identity)
    return identity
  }
}

const compileIdentity = (spec: IdentitySpec): IdentityMapping => {
  const { tenant, groups, roles, entitlements } = spec
  return {
    type: spec.type,
    subject: compileSubject(spec.subject),
    attributes: compileAttributes(spec.claims ?? {}),
    ...(tenant === undefined ? {} : { tenant: compileMapping('identity.tenant', tenant, oneText) }),
    ...(groups === undefined ? {} : { groups: compileMapping('identity.groups', groups, texts) }),
    ...(roles === undefined ? {} : { roles: compileMapping('identity.roles', roles, texts) }),
    ...(entitlements === undefined
      ? {}
      : { entitlements: compileMapping('identity.entitlements', entitlements, texts) }),
  }
}

const compileAttributes = (claims: NonNullable<IdentitySpec['claims']>): ReadonlyMap<string, Mapping<Json>> =>
  new Map(
    Object.entries(claims).map(([name, value]) => [
      name,
      compileMapping(pathText(['identity', 'claims', name]), value, attribute),
    ]),
  )
