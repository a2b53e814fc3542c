import type { Claims, Json } from '../domain/claims.ts'
import type { Seen } from '../domain/trace.ts'
import { claimReader } from '../expressions/claim-path.ts'
import { type Expression, type Facts, isTrue } from '../expressions/expression.ts'
import { type DocumentPath, pathText } from '../formats/documents.ts'
import type { Draft } from '../formats/draft.ts'
import { requestMatcher } from '../formats/request-pattern.ts'
import { compileMatcher, type MatcherSpec, valuesOf } from './matcher.ts'
import type { IdentityRequirementSpec, RequirementSpec, RuleSpec } from './schema.ts'
import type { Condition, Requirement } from './trust-map.ts'

type When = NonNullable<RuleSpec['when']>

/** The conditions of a rule: those over claims first, and those that can fail after those that cannot. */
export const compileConditions = (draft: Draft, at: DocumentPath, when: When = {}): readonly Condition[] => [
  ...claimConditions(draft, at, when),
  ...(when.gateway === undefined ? [] : [gatewayCondition(draft, [...at, 'gateway'], [when.gateway].flat())]),
  ...(when.request === undefined ? [] : requestConditions(draft, [...at, 'request'], when.request)),
  ...expressionConditions(draft, at, when),
  ...(when.actor === undefined ? [] : actorConditions(draft, [...at, 'actor'], when.actor)),
]

const claimConditions = (draft: Draft, at: DocumentPath, { claims }: Pick<When, 'claims'>): readonly Condition[] =>
  Object.entries(claims ?? {}).map(([claim, wanted]) => claimCondition(draft, at, claim, wanted))

const expressionConditions = (
  draft: Draft,
  at: DocumentPath,
  { expression }: Pick<When, 'expression'>,
): readonly Condition[] => (expression === undefined ? [] : [expressionCondition(draft, at, expression)])

/** At the token endpoint no gateway asks, so no such condition holds there. */
const gatewayCondition = (draft: Draft, at: DocumentPath, names: readonly (Json | undefined)[]): Condition => ({
  location: draft.locate(at),
  path: 'gateway',
  wanted: JSON.stringify(names),
  holds: ({ gateway }) => gateway['name'] !== undefined && names.includes(gateway['name']),
  seen: ({ gateway }) => ({ value: gateway['name'], sensitivity: 'public' }),
})

const requestConditions = (
  draft: Draft,
  at: DocumentPath,
  wanted: NonNullable<When['request']>,
): readonly Condition[] =>
  (['hosts', 'paths', 'methods'] as const).flatMap((key) => {
    const patterns = wanted[key]
    if (patterns === undefined) return []
    const fits = requestMatcher({ [key]: patterns })
    return [
      {
        location: draft.locate([...at, key]),
        path: `request.${key}`,
        wanted: JSON.stringify(patterns),
        holds: ({ request }: Facts) => {
          const original = originalIn(request)
          return original !== undefined && fits(original)
        },
        seen: ({ request }: Facts) => ({ value: request[key.slice(0, -1)] }),
      },
    ]
  })

const originalIn = ({ method, host, port, path }: Claims) =>
  typeof method === 'string' && typeof host === 'string' && typeof path === 'string'
    ? { method, host, path, ...(typeof port === 'string' ? { port } : {}) }
    : undefined

/**
 * The map that vouches is always looked at first: what a claim means depends on who made it, and an issuer of one map
 * must not be able to write what another's certificates prove.
 */
const actorConditions = (draft: Draft, at: DocumentPath, actor: NonNullable<When['actor']>): readonly Condition[] => {
  const maps: readonly (Json | undefined)[] = [actor.map].flat()
  const vouched: Condition = {
    location: draft.locate([...at, 'map']),
    path: 'actor.map',
    wanted: JSON.stringify(actor.map),
    holds: ({ actor: present }) => maps.includes(present['map']),
    seen: ({ actor: present }) => ({ value: present['map'], sensitivity: 'public' }),
  }
  const claimed = [...claimConditions(draft, at, actor), ...expressionConditions(draft, at, actor)]
  return [vouched, ...claimed.map(aboutActor)]
}

/** The same condition over the actor's claims. Where nobody acts it does not hold, whatever it asks for. */
const aboutActor = ({ location, path, wanted, holds, seen }: Condition): Condition => ({
  location,
  wanted,
  path: `actor.${path}`,
  holds: (facts) => facts.actor['claims'] !== undefined && holds(asSubject(facts)),
  seen: (facts) => (facts.actor['claims'] === undefined ? { value: undefined } : seen(asSubject(facts))),
})

const asSubject = (facts: Facts): Facts => ({ ...facts, header: {}, claims: claimsOfActor(facts.actor) })

const claimsOfActor = ({ claims }: Claims): Claims =>
  typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? (claims as Claims) : {}

const claimCondition = (draft: Draft, at: DocumentPath, claim: string, wanted: MatcherSpec): Condition => {
  const values = claim.startsWith('/') ? undefined : valuesOf(wanted)
  return {
    ...overClaim(claim, wanted),
    location: draft.locate([...at, 'claims', claim], 'key'),
    path: pathText(['claims', claim]),
    wanted: JSON.stringify(wanted),
    ...(values === undefined ? {} : { equality: { claim, values } }),
  }
}

const overClaim = (claim: string, wanted: MatcherSpec) => {
  const read = claimReader(claim)
  const matches = compileMatcher(wanted)
  return {
    holds: ({ claims }: Facts): boolean => matches(read(claims)),
    seen: ({ claims }: Facts): Seen => ({ value: read(claims) }),
  }
}

const expressionCondition = (draft: Draft, at: DocumentPath, expression: Expression): Condition => ({
  ...overExpression(expression),
  location: draft.locate([...at, 'expression']),
  path: 'expression',
  wanted: expression.text,
})

const overExpression = (expression: Expression) => ({
  holds: (facts: Facts): boolean => isTrue(expression.evaluate(facts)),
  seen: (facts: Facts): Seen => seenBy(expression, facts),
})

const seenBy = (expression: Expression, facts: Facts): Seen => {
  const missing = expression.missing(facts)
  const value: Json | undefined = missing === undefined ? undefined : `${missing} is missing`
  return { value, sensitivity: 'public' }
}

/** An entry of `claimValidationRules`, which stands at `at`; `path` is its name for people. */
export const compileRequirement = (
  draft: Draft,
  path: string,
  at: DocumentPath,
  spec: RequirementSpec,
): Requirement => {
  if ('expression' in spec) return compileIdentityRequirement(draft, path, at, spec)
  const { claim, requiredValue } = spec
  const text = `${claim} = ${JSON.stringify(requiredValue)}`
  const message = spec.message ?? `the claim ${JSON.stringify(claim)} does not have the required value`
  return { ...overClaim(claim, requiredValue), location: draft.locate(at), path, text, message }
}

/** An entry of `identityValidationRules`. */
export const compileIdentityRequirement = (
  draft: Draft,
  path: string,
  at: DocumentPath,
  { expression, message }: IdentityRequirementSpec,
): Requirement => ({
  ...overExpression(expression),
  location: draft.locate(at),
  path,
  text: expression.text,
  message,
})
