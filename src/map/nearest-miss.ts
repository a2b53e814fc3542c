import { Refusal } from '../domain/refusal.ts'
import type { Facts } from '../expressions/expression.ts'
import type { Condition, Rule } from './trust-map.ts'

/** A refused token must not cost more than a granted one however many rules there are. */
const maxConsidered = 32

interface Miss {
  readonly rule: Rule
  readonly met: number
  readonly failed: Condition
}

/**
 * Tells the operator which rule came nearest, and the first of its conditions that did not hold. The rules that were
 * `tried` come first; in a `thorough` search all are considered.
 */
export const nearestMiss = (
  tried: readonly Rule[],
  rules: readonly Rule[],
  facts: Facts,
  thorough: boolean,
): string => {
  const most = thorough ? Number.POSITIVE_INFINITY : maxConsidered
  const considered = [...tried.slice(0, most), ...rules.slice(0, Math.max(0, most - tried.length))]
  const [first, ...others] = considered.flatMap((rule) => missOf(rule, facts) ?? [])
  if (first === undefined) return 'no rule speaks for this credential'
  const { rule, failed } = others.reduce((best, miss) => (miss.met > best.met ? miss : best), first)
  const { file, line } = failed.location
  return `the rule ${rule.name} came nearest; it wants ${failed.path} to be ${failed.wanted} (${file}:${line})`
}

const missOf = (rule: Rule, facts: Facts): Miss | undefined => {
  const held = rule.conditions.map((condition) => holds(condition, facts))
  const failed = rule.conditions[held.indexOf(false)]
  return failed && { rule, failed, met: held.filter(Boolean).length }
}

/** An expression that cannot be judged does not hold. */
const holds = (condition: Condition, facts: Facts): boolean => {
  try {
    return condition.holds(facts)
  } catch (thrown) {
    if (thrown instanceof Refusal) return false
    throw thrown
  }
}
