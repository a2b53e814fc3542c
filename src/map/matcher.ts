import type { Json } from '../domain/claims.ts'
import { isList } from '../expressions/claim-path.ts'
import { glob, regex } from '../formats/pattern.ts'

export type Scalar = string | number | boolean

/** What a claim must be: a value, any of several values, or all that an object says. */
export type MatcherSpec = Scalar | readonly Scalar[] | MatcherObject

export interface MatcherObject {
  readonly equals?: Scalar | undefined
  readonly in?: readonly Scalar[] | undefined
  readonly glob?: string | undefined
  readonly regex?: string | undefined
  readonly contains?: Scalar | { readonly glob: string } | { readonly regex: string } | undefined
  readonly exists?: boolean | undefined
}

export type Matcher = (value: Json | undefined) => boolean

/**
 * Compiles a matcher. Nothing is converted to make it fit: `"1"` is not `1`, and a list never equals one of its
 * elements. What is absent matches `exists: false` only.
 *
 * @throws FormatError when a pattern is malformed
 */
export const compileMatcher = (spec: MatcherSpec): Matcher => {
  if (!isObject(spec)) return isOneOf([spec].flat())
  const parts = partsOf(spec)
  if (parts.length === 1 && parts[0] !== undefined) return parts[0]
  return (value) => parts.every((part) => part(value))
}

const isObject = (spec: MatcherSpec): spec is MatcherObject => typeof spec === 'object' && !Array.isArray(spec)

const partsOf = (spec: MatcherObject): readonly Matcher[] => [
  ...ofKey(spec.equals, (wanted) => isOneOf([wanted])),
  ...ofKey(spec.in, isOneOf),
  ...ofKey(spec.glob, (pattern) => onText(glob(pattern))),
  ...ofKey(spec.regex, (pattern) => onText(regex(pattern))),
  ...ofKey(spec.contains, isListWith),
  ...ofKey(spec.exists, (wanted) => (value) => (value !== undefined) === wanted),
]

const ofKey = <T>(wanted: T | undefined, compile: (wanted: T) => Matcher): readonly Matcher[] =>
  wanted === undefined ? [] : [compile(wanted)]

const isOneOf = (wanted: readonly Scalar[]): Matcher => {
  const [only] = wanted
  if (wanted.length === 1) return (value) => value !== undefined && value === only
  const values: ReadonlySet<Json | undefined> = new Set(wanted)
  return (value) => values.has(value)
}

const isListWith = (wanted: NonNullable<MatcherObject['contains']>): Matcher => {
  if (typeof wanted !== 'object') return (value) => isList(value) && value.includes(wanted)
  const fits = onText('glob' in wanted ? glob(wanted.glob) : regex(wanted.regex))
  return (value) => isList(value) && value.some(fits)
}

const onText =
  (matches: (value: string) => boolean): Matcher =>
  (value) =>
    typeof value === 'string' && matches(value)

/** The values outside of which `spec` cannot hold; undefined when it does not say so. */
export const valuesOf = (spec: MatcherSpec): readonly Scalar[] | undefined => {
  if (!isObject(spec)) return [spec].flat()
  return spec.equals === undefined ? spec.in : [spec.equals]
}
