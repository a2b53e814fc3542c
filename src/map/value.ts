import type { Json, Sensitivity } from '../domain/claims.ts'
import type { Labelled } from '../domain/identity.ts'
import { Refusal } from '../domain/refusal.ts'
import { claimReader } from '../expressions/claim-path.ts'
import { absent, type Expression, type Facts } from '../expressions/expression.ts'
import type { Mapping } from './trust-map.ts'

/** Where a mapped value comes from: exactly one of `claim`, `value` and `expression`. */
interface OriginSpec<T> {
  readonly claim?: string | undefined
  readonly value?: T | undefined
  readonly expression?: Expression | undefined
  readonly prefix?: string | undefined
  readonly sensitivity: Sensitivity
}

interface MappedSpec<T> extends OriginSpec<T> {
  readonly default?: T | undefined
  readonly required: boolean
}

/**
 * A form that a mapped value can have. `from` yields undefined when a value does not have it: nothing is converted to
 * make it fit, so that one string is not a list of one and an object is never flattened.
 */
interface Form<T extends Json> {
  readonly words: string
  readonly from: (value: unknown) => T | undefined
  readonly prefixed: (value: T, prefix: string) => T
}

/** A number that every reader reads alike. Integers beyond 2^53 are another number after parsing. */
const numberFrom = (value: unknown): number | undefined => {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? undefined : number
}

const textFrom = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value
  const number = numberFrom(value)
  return number === undefined || !Number.isInteger(number) ? undefined : String(number)
}

const textsFrom = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined

/** One string. An integer is taken as its digits: some issuers number their subjects. */
export const oneText: Form<string> = {
  words: 'a string',
  from: textFrom,
  prefixed: (value, prefix) => prefix + value,
}

export const texts: Form<readonly string[]> = {
  words: 'a list of strings',
  from: textsFrom,
  prefixed: (values, prefix) => values.map((value) => prefix + value),
}

/** What a further claim of the token can be. */
export type Attribute = string | number | boolean | readonly string[]

const attributeFrom = (value: unknown): Attribute | undefined =>
  typeof value === 'string' || typeof value === 'boolean' ? value : (numberFrom(value) ?? textsFrom(value))

export const attribute: Form<Attribute> = {
  words: 'a string, a number, true or false, or a list of strings',
  from: attributeFrom,
  prefixed: (value, prefix) =>
    typeof value === 'object' ? value.map((item) => prefix + item) : `${prefix}${String(value)}`,
}

/**
 * Compiles a mapped value; `what` is its name for people, e.g. `identity.tenant`. What it yields throws a Refusal `map.value_missing` when the value is absent and required,
 * or is there in another form than `form`, required or not: a claim that changes its shape must not vanish unseen.
 */
export const compileMapping = <T extends Json>(what: string, spec: MappedSpec<T>, form: Form<T>): Mapping<T> => {
  const read = compileOrigin(what, spec, form)
  const { default: fallback, sensitivity, required } = spec
  const otherwise = fallback === undefined ? undefined : { value: fallback, sensitivity }
  return (facts) => {
    const value = read(facts)
    if (value !== undefined) return { value, sensitivity }
    if (otherwise === undefined && required) throw missing(what)
    return otherwise
  }
}

/** Compiles the subject, which is always required. */
export const compileSubject = (spec: OriginSpec<string>): ((facts: Facts) => Labelled<string>) => {
  const what = 'identity.subject'
  const read = compileOrigin(what, spec, oneText)
  return (facts) => {
    const value = read(facts)
    if (value === undefined) throw missing(what)
    return { value, sensitivity: spec.sensitivity }
  }
}

const missing = (what: string) => new Refusal('map.value_missing', `${what} is absent`)

/** Yields the value in its form, undefined when it is absent; throws a Refusal when it has another form. */
const compileOrigin = <T extends Json>(
  what: string,
  spec: OriginSpec<T>,
  form: Form<T>,
): ((facts: Facts) => T | undefined) => {
  const prefixed = (value: T): T => (spec.prefix === undefined ? value : form.prefixed(value, spec.prefix))
  if (spec.value !== undefined) {
    const constant = prefixed(spec.value)
    return () => constant
  }
  const read = compileRead(spec)
  return (facts) => {
    const raw = read(facts)
    if (raw === undefined || raw === null || raw === absent) return undefined
    const value = form.from(raw)
    if (value === undefined) throw new Refusal('map.value_missing', `${what} is not ${form.words}`)
    return prefixed(value)
  }
}

const compileRead = <T>({ claim, expression }: OriginSpec<T>): ((facts: Facts) => unknown) => {
  if (expression !== undefined) return (facts) => expression.evaluate(facts)
  const read = claimReader(claim ?? '')
  return ({ claims }) => read(claims)
}

/** In characters. A subject may be a SPIFFE ID, which every implementation must take whole (SPIFFE-ID section 2.3). */
export const longest = { subject: 2_048, tenant: 255 } as const

/** Control, format (bidi, zero width), surrogate and line separator characters: what people cannot see they confuse. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/** Can `value` name a subject or a tenant? */
export const isIdentifier = (value: string, what: keyof typeof longest): boolean =>
  value.length >= 1 && value.length <= longest[what] && !unseen.test(value)
