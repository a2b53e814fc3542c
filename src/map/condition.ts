import type { Json } from '../domain/claims.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Seen } from '../domain/trace.ts'
import { type DocumentPath, pathText } from '../formats/documents.ts'
import type { Draft } from '../formats/draft.ts'
import { claimReader } from './claim-path.ts'
import { absent, type Expression, type Facts } from './expression.ts'
import { compileMatcher, type MatcherSpec, valuesOf } from './matcher.ts'
import type { IdentityRequirementSpec, RequirementSpec, RuleSpec } from './schema.ts'
import type { Condition, Requirement } from './trust-map.ts'

/** The conditions of a rule, those over claims first. */
export const compileConditions = (draft: Draft, at: DocumentPath, when: RuleSpec['when']): readonly Condition[] => [
  ...Object.entries(when?.claims ?? {}).map(([claim, wanted]) => claimCondition(draft, at, claim, wanted)),
  ...(when?.expression === undefined ? [] : [expressionCondition(draft, at, when.expression)]),
]

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

/** A missing claim means that the condition does not hold. */
const isTrue = (value: unknown): boolean => {
  if (typeof value === 'boolean') return value
  if (value === absent) return false
  throw new Refusal('map.expression_failed', 'an expression yielded neither true nor false')
}

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
