import { Refusal } from '../domain/refusal.ts'

/** Path and query of a request as AWS reads them before it checks a signature (Signature Version 4, canonical request). */

/** Every segment escaped once, but for what AWS leaves as it is. */
export const canonicalPath = (path: string): string =>
  path
    .split('/')
    .map((segment) => escaped(decodeURIComponent(segment)))
    .join('/')

const escaped = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** Parameters of a signature that stands in the query: the request would be signed twice. */
const ofSignatures = /^x-amz-(?:algorithm|credential|date|expires|security-token|signature|signedheaders)$/i

/** @throws Refusal `partner.not_carriable` where two readers would see different parameters */
export const queryOf = (query: string): Record<string, string[]> => {
  if (query.includes('+')) throw unclear('a plus sign in a query is a space to some: write %20 or %2B')
  const parameters = new Map<string, string[]>()
  for (const [name, value] of query === '' ? [] : query.split('&').map(parameterOf)) {
    const values = parameters.get(name) ?? []
    parameters.set(name, [...values, value])
  }
  return Object.fromEntries(parameters)
}

const parameterOf = (pair: string): readonly [name: string, value: string] => {
  const end = pair.indexOf('=')
  const name = decoded(end < 0 ? pair : pair.slice(0, end))
  if (name === '' || name === '__proto__') throw unclear('the query has a parameter without a name that all see')
  if (ofSignatures.test(name)) throw unclear('the query has a signature, or a part of one')
  return [name, end < 0 ? '' : decoded(pair.slice(end + 1))]
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw unclear('the query has escapes that are not UTF-8')
  }
}

const unclear = (why: string) => new Refusal('partner.not_carriable', why)
