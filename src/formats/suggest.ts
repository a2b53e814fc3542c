/** The candidate that was most likely meant by `word`, if any is close enough to be worth a question. */
export const nearest = (word: string, candidates: Iterable<string>): string | undefined => {
  let best: string | undefined
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase().slice(0, 64), candidate.toLowerCase().slice(0, 64))
    if (distance >= least) continue
    best = candidate
    least = distance
  }
  return best
}

/** `did you mean x?`, or what can be written here. */
export const didYouMean = (word: string, candidates: readonly string[]): string | undefined => {
  const meant = nearest(word, candidates)
  if (meant !== undefined) return `did you mean \`${meant}\`?`
  if (candidates.length === 0 || candidates.length > 30) return undefined
  return `known here: ${candidates.join(', ')}`
}

/** Single characters inserted, left out, changed, or swapped with their neighbour (Damerau and Levenshtein). */
const editDistance = (a: string, b: string): number => {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const changed = (last[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      const moved = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1)
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      const swapped = isSwap ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      current.push(Math.min(changed, moved, swapped))
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}
