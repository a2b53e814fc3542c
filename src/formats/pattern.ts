import { RE2JS } from '@bufbuild/re2'
import { FormatError } from './format-error.ts'

/** Does the whole value match? Patterns never match a part of a value: that is how `repo:org` lets in `repo:org-evil`. */
export type MatchesWhole = (value: string) => boolean

const maxPatternLength = 512
/** Instructions of a compiled expression. They bound the work for one character of a value. */
const maxProgramSize = 1_000

/**
 * A regular expression of RE2's syntax, matched in time linear in the value. It always means the whole value, so in
 * `a|b` both branches do.
 *
 * @throws FormatError when it is not such an expression or is too large
 */
export const regex = (text: string): MatchesWhole => {
  requireShort(text)
  const expression = compileRegex(text)
  if (expression.re2().prog.numInst() > maxProgramSize) throw new FormatError('the regular expression is too complex')
  return (value) => expression.testExact(value)
}

const requireShort = (text: string): void => {
  if (text.length > maxPatternLength) throw new FormatError(`a pattern has at most ${maxPatternLength} characters`)
}

const compileRegex = (text: string): RE2JS => {
  try {
    return RE2JS.compile(text)
  } catch (cause) {
    const [why = ''] = cause instanceof Error ? cause.message.replace('error parsing regexp: ', '').split(': `') : []
    throw new FormatError(`not a regular expression of RE2: ${why}`, { cause })
  }
}

/** A run of characters that may be anything but `/` and `:`, or a run of anything. */
const SEGMENT = -1
const ANYTHING = -2
const SLASH = 0x2f
const COLON = 0x3a

/**
 * A glob: `*` is any run of characters without `/` and `:`, `**` any run at all, everything else is itself. It means
 * the whole value and takes time linear in it.
 *
 * @throws FormatError when the pattern is too long
 */
export const glob = (pattern: string): MatchesWhole => {
  requireShort(pattern)
  const tokens = tokensOf(pattern)
  const wildcards = tokens.filter((token) => token < 0)
  const [only] = wildcards
  if (only === undefined) return (value) => value === pattern
  if (wildcards.length === 1) return aroundOne(pattern, only)
  if (wildcards.every((wildcard) => wildcard === only)) return (value) => matchInTurn(tokens, value)
  return (value) => matchTokens(tokens, value)
}

const tokensOf = (pattern: string): readonly number[] =>
  (pattern.match(/\*+|[^*]/g) ?? []).map((part) => {
    if (!part.startsWith('*')) return part.charCodeAt(0)
    return part.length === 1 ? SEGMENT : ANYTHING
  })

/** One wildcard, as nearly every pattern has: what stands before it, what stands after it, and what is between. */
const aroundOne = (pattern: string, wildcard: number): MatchesWhole => {
  const before = pattern.slice(0, pattern.indexOf('*'))
  const after = pattern.slice(pattern.lastIndexOf('*') + 1)
  const fixed = before.length + after.length
  return (value) => {
    if (value.length < fixed || !value.startsWith(before) || !value.endsWith(after)) return false
    return wildcard === ANYTHING || !hasSeparator(value, before.length, value.length - after.length)
  }
}

const isSeparator = (code: number): boolean => code === SLASH || code === COLON

const hasSeparator = (value: string, from: number, to: number): boolean => {
  for (let at = from; at < to; at++) if (isSeparator(value.charCodeAt(at))) return true
  return false
}

/**
 * Wildcards of one kind only: each may stand for as little as lets the rest go on. Giving an earlier one more never
 * helps, for what it could take the last one could take as well.
 */
const matchInTurn = (pattern: readonly number[], value: string): boolean => {
  let token = 0
  let wildcard = -1
  let resume = 0
  for (let at = 0; at < value.length; ) {
    const wanted = pattern[token] ?? Number.NaN
    if (wanted < 0) {
      wildcard = token++
      resume = at
    } else if (wanted === value.charCodeAt(at)) {
      token++
      at++
    } else {
      if (wildcard < 0 || (pattern[wildcard] === SEGMENT && isSeparator(value.charCodeAt(resume)))) return false
      token = wildcard + 1
      at = ++resume
    }
  }
  while ((pattern[token] ?? 0) < 0) token++
  return token === pattern.length
}

/** The tokens that may come next, each once. */
interface Reached {
  tokens: number[]
  /** For each token, the place in the value at which it was last reached. */
  readonly lastAt: Int32Array
}

/** Follows all ways through the pattern at once. */
const matchTokens = (pattern: readonly number[], value: string): boolean => {
  const reached: Reached = { tokens: [], lastAt: new Int32Array(pattern.length + 1).fill(-1) }
  reach(pattern, 0, 0, reached)
  for (let at = 0; at < value.length && reached.tokens.length > 0; at++) {
    const before = reached.tokens
    reached.tokens = []
    for (const token of before) step(pattern, token, value.charCodeAt(at), at + 1, reached)
  }
  return reached.tokens.includes(pattern.length)
}

const step = (pattern: readonly number[], token: number, code: number, at: number, reached: Reached): void => {
  const wanted = pattern[token]
  if (wanted === code) reach(pattern, token + 1, at, reached)
  else if (wanted === ANYTHING || (wanted === SEGMENT && !isSeparator(code))) reach(pattern, token, at, reached)
}

/** A wildcard may also stand for nothing, so what follows it is reached as well. */
const reach = (pattern: readonly number[], from: number, at: number, reached: Reached): void => {
  for (let token = from; reached.lastAt[token] !== at; token++) {
    reached.lastAt[token] = at
    reached.tokens.push(token)
    if ((pattern[token] ?? 0) >= 0) return
  }
}

const knownLists = new WeakMap<readonly string[], MatchesWhole>()

/** Is a value one of `patterns`, each an exact value or a glob? An empty list allows nothing. A list is read once. */
export const matcherOf = (patterns: readonly string[]): MatchesWhole => {
  const known = knownLists.get(patterns)
  if (known !== undefined) return known
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  const globs = patterns.filter((pattern) => pattern.includes('*')).map(glob)
  const matcher: MatchesWhole = (value) => exact.has(value) || globs.some((matches) => matches(value))
  knownLists.set(patterns, matcher)
  return matcher
}
