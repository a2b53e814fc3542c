import type { Samples } from './interleave.ts'
import { median, medianRatio, spread } from './statistics.ts'

/** A reference that dragoman is held against, and the ratio reference / dragoman that is aimed at. */
export interface Comparison {
  readonly reference: string
  readonly target?: number
  /** True where it is shown for orientation, and `--check` does not look at it. */
  readonly informative?: boolean
}

/** One line of the table. */
export interface Row extends Comparison {
  readonly scenario: string
  readonly unit: string
  /** Medians. */
  readonly ours: number | undefined
  readonly theirs: number
  /** Median of the rounds' ratios; above the target is better. */
  readonly ratio: number | undefined
  /** The same from the best round of each, which noise can only rarely make better. */
  readonly bestRatio: number | undefined
}

/** What one contender showed over the measured rounds. */
export interface Figures {
  readonly median: number
  readonly min: number
  readonly rounds: readonly number[]
  readonly operations: number
  readonly foreignShare: number | undefined
}

/** What one scenario showed. */
export interface ScenarioResult {
  readonly scenario: string
  readonly unit: string
  readonly rows: readonly Row[]
  readonly contenders: Readonly<Record<string, Figures>>
  /** Why these figures deserve little trust; empty when they do. */
  readonly doubts: readonly string[]
}

/** The name under which dragoman itself is measured. */
export const ours = 'dragoman'

const foreignLimit = 0.2
const spreadLimit = 1.5

/** Draws the comparisons of a scenario from its samples. */
export const resultOf = (
  scenario: { readonly name: string; readonly unit: string; readonly comparisons: readonly Comparison[] },
  samples: Samples,
): ScenarioResult => {
  const { name, unit, comparisons } = scenario
  const figures = (who: string) => samples.get(who)?.map(({ figure }) => figure)
  const mine = figures(ours)
  const rows = comparisons.flatMap((comparison): Row[] => {
    const theirs = figures(comparison.reference)
    if (theirs === undefined) return []
    return [
      {
        ...comparison,
        scenario: name,
        unit,
        ours: mine && median(mine),
        theirs: median(theirs),
        ratio: mine && medianRatio(theirs, mine),
        bestRatio: mine && Math.min(...theirs) / Math.min(...mine),
      },
    ]
  })
  const contenders = Object.fromEntries([...samples.keys()].map((who) => [who, figuresOf(samples, who)]))
  return { scenario: name, unit, rows, contenders, doubts: doubtsAbout(samples) }
}

const figuresOf = (samples: Samples, who: string): Figures => {
  const mine = samples.get(who) ?? []
  const rounds = mine.map(({ figure }) => figure)
  const shares = mine.flatMap(({ foreignShare }) => (foreignShare === undefined ? [] : [foreignShare]))
  return {
    median: median(rounds),
    min: Math.min(...rounds),
    rounds,
    operations: mine.reduce((sum, { operations }) => sum + operations, 0),
    foreignShare: shares.length === 0 ? undefined : median(shares),
  }
}

const doubtsAbout = (samples: Samples): string[] =>
  [...samples].flatMap(([who, mine]) => {
    const foreign = mine.filter(({ foreignShare }) => (foreignShare ?? 0) > foreignLimit).length
    const spreadOfRounds = spread(mine.map(({ figure }) => figure))
    return [
      ...(foreign > mine.length / 2
        ? [`${who}: others took over ${foreignLimit * 100} % of its core in ${foreign} rounds`]
        : []),
      ...(spreadOfRounds > spreadLimit
        ? [`${who}: the slowest round took ${spreadOfRounds.toFixed(1)} times the fastest`]
        : []),
    ]
  })
