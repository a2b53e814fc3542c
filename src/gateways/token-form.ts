import { Refusal } from '../domain/refusal.ts'

/** The parameters of a token request, checked for repetition: RFC 6749 section 3.2. */
export interface TokenForm {
  /** The one value of a parameter; a parameter without a value counts as absent. */
  one(name: string): string | undefined
  /** All values of a parameter that may be repeated, in order. */
  all(name: string): readonly string[]
}

/** RFC 8693 section 2.1: these two may appear more than once. */
const repeatable: ReadonlySet<string> = new Set(['audience', 'resource'])

const maxParameters = 64

/**
 * Reads an application/x-www-form-urlencoded body.
 *
 * @throws Refusal `request.parameter_repeated`, `request.malformed`
 */
export const parseTokenForm = (body: string): TokenForm => {
  const values = new Map<string, string[]>()
  let count = 0
  for (const [name, value] of new URLSearchParams(body)) {
    if (++count > maxParameters) throw new Refusal('request.malformed', `more than ${maxParameters} parameters`)
    if (value === '') continue
    const known = values.get(name)
    if (known === undefined) values.set(name, [value])
    else if (repeatable.has(name)) known.push(value)
    else throw new Refusal('request.parameter_repeated', 'a parameter other than audience and resource is repeated')
  }
  return { one: (name) => values.get(name)?.[0], all: (name) => values.get(name) ?? [] }
}
