import { FormatError } from '../format-error.ts'

/** The keys that Envoy writes, in lower case. */
const keys = ['by', 'hash', 'cert', 'chain', 'subject', 'uri', 'dns'] as const

type Key = (typeof keys)[number]

/** What one proxy said about its client: the values of each key, in order. */
export type XfccElement = Readonly<Record<Key, readonly string[]>>

const maxElements = 32
const maxPairs = 256

/**
 * A key and a value: bare, of visible characters but those that have a meaning here, or quoted. Within quotes a
 * backslash takes the next character with it, whichever it is: Envoy copies subjects in the form of RFC 2253, which
 * escapes backslashes too, so a name that ends in one does not end the quotes.
 */
const pair = /([A-Za-z]{1,16})=(?:"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*)"|([!#-+\--:<-[\]-~]*))/y

/**
 * Takes `x-forwarded-client-cert` apart, as Envoy's documentation of the header defines it: elements separated by
 * commas, one a proxy, the nearest last; pairs separated by semicolons; keys in any case. There is no white space
 * between them, and a field that came twice has some.
 *
 * @throws FormatError
 */
export const xfccElements = (value: string): readonly XfccElement[] => {
  const elements = [newElement()]
  const scanner = new RegExp(pair)
  for (let pairs = 0; ; pairs++) {
    const [whole, key = '', quoted, bare = ''] = scanner.exec(value) ?? []
    if (whole === undefined) throw new FormatError('not the pairs of x-forwarded-client-cert')
    if (pairs >= maxPairs || elements.length > maxElements) throw new FormatError('there are too many elements')
    elements.at(-1)?.[knownKey(key)].push(quoted ?? bare)
    const separator = value[scanner.lastIndex]
    if (separator === undefined) return elements
    if (separator === ',') elements.push(newElement())
    else if (separator !== ';') throw new FormatError('a value does not end where it should')
    scanner.lastIndex++
  }
}

const newElement = (): Record<Key, string[]> => ({
  by: [],
  hash: [],
  cert: [],
  chain: [],
  subject: [],
  uri: [],
  dns: [],
})

const knownKey = (key: string): Key => {
  const known = keys.find((candidate) => candidate === key.toLowerCase())
  if (known === undefined) throw new FormatError('a key is not one that Envoy writes')
  return known
}
