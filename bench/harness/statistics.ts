/** The middle of `values`, or the mean of the two in the middle. NaN when there are none. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Median of `above[i] / below[i]`: the noise that both of a round share cancels out. */
export const medianRatio = (above: readonly number[], below: readonly number[]): number =>
  median(above.map((value, index) => value / (below[index] ?? Number.NaN)))

/** Largest over smallest. */
export const spread = (values: readonly number[]): number => Math.max(...values) / Math.min(...values)

/** The value that the share `q` of `values` does not exceed. NaN when there are none. */
export const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * q) - 1)] ?? Number.NaN
