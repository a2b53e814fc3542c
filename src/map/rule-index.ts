import type { Json } from '../domain/claims.ts'
import type { FirstRule, Rule } from './trust-map.ts'

/** Below this many rules a search is as fast as going through them. */
const worthwhile = 8
/** Claims that are weighed against each other, the most used first. */
const maxConsidered = 16

/**
 * Prepares the search for the first rule that speaks. Rules that want one claim to equal something are put into
 * buckets by that value; only the bucket of the value at hand, and the rules that do not look at the claim, are
 * tried, in the order of the document. The answer is the same as that of going through all rules.
 */
export const indexRules = (rules: readonly Rule[]): FirstRule => {
  const claim = rules.length < worthwhile ? undefined : mostSelective(rules)
  if (claim === undefined) return (_claims, speaks) => rules.find(speaks)
  const { buckets, others } = bucketed(rules, claim)
  return (claims, speaks) => {
    const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined
    return firstOf(buckets.get(value) ?? [], others, speaks)
  }
}

interface Buckets {
  readonly buckets: ReadonlyMap<Json | undefined, readonly Rule[]>
  readonly others: readonly Rule[]
}

const valuesFor = (rule: Rule, claim: string) =>
  rule.conditions.find((condition) => condition.equality?.claim === claim)?.equality?.values

const bucketed = (rules: readonly Rule[], claim: string): Buckets => {
  const buckets = new Map<Json | undefined, Rule[]>()
  const others: Rule[] = []
  for (const rule of rules) {
    const values = valuesFor(rule, claim)
    if (values === undefined) others.push(rule)
    for (const value of new Set(values)) {
      const bucket = buckets.get(value)
      if (bucket === undefined) buckets.set(value, [rule])
      else bucket.push(rule)
    }
  }
  return { buckets, others }
}

/** The claim by which the fewest rules remain to be tried, however the tokens are spread. */
const mostSelective = (rules: readonly Rule[]): string | undefined => {
  let best: string | undefined
  let least = rules.length
  for (const claim of mostUsed(rules)) {
    const { buckets, others } = bucketed(rules, claim)
    const largest = [...buckets.values()].reduce((most, bucket) => Math.max(most, bucket.length), 0)
    if (largest + others.length >= least) continue
    best = claim
    least = largest + others.length
  }
  return best
}

const mostUsed = (rules: readonly Rule[]): readonly string[] => {
  const uses = new Map<string, number>()
  for (const { conditions } of rules)
    for (const { equality } of conditions)
      if (equality !== undefined) uses.set(equality.claim, (uses.get(equality.claim) ?? 0) + 1)
  const ordered = [...uses].toSorted(([, a], [, b]) => b - a)
  return ordered.slice(0, maxConsidered).map(([claim]) => claim)
}

/** Both lists are in the order of the document, and so is their union. */
const firstOf = (a: readonly Rule[], b: readonly Rule[], speaks: (rule: Rule) => boolean): Rule | undefined => {
  let inA = 0
  let inB = 0
  for (let rule = earlier(a[0], b[0]); rule !== undefined; rule = earlier(a[inA], b[inB])) {
    if (speaks(rule)) return rule
    if (rule === a[inA]) inA++
    else inB++
  }
  return undefined
}

const earlier = (a: Rule | undefined, b: Rule | undefined): Rule | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  return a.index < b.index ? a : b
}
