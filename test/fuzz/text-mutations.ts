import fc from 'fast-check'

/** A change to a text: what, where, and by how much. The numbers are free. */
interface TextMutation {
  readonly what: number
  readonly at: number
  readonly by: number
}

export type TextMutations = readonly TextMutation[]

const number = fc.nat({ max: 0x3fff_ffff })

/** One to four changes. */
export const textMutations: fc.Arbitrary<TextMutations> = fc.array(
  fc.record({ what: number, at: number, by: number }, { noNullPrototype: true }),
  { minLength: 1, maxLength: 4 },
)

/** What means something to the readers of headers, PEM, URIs, JOSE and JSON. */
const tokens = [
  ['%', '%2', '%00', '%0A', '%25', '%2B', '%2b', '%zz', '%C3', '%c3%a9', '+', '/', '=', '==', '-', '_'],
  ['"', '\\', '\\"', "'", ',', ', ', ';', '; ', ':', '::', '(', ')', '?1', '*', '&', '#', '?', '@', '.', '..', '//'],
  [' ', '\t', '\n', '\r\n', '\r', '\0', '\u007f', 'é', '\u212a', '\ud800', '\u{1F600}', '\ufeff'],
  ['-----', '-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', '-----BEGIN PRIVATE KEY-----'],
  ['By=', 'Hash=', 'Cert=', 'Cert="', 'Chain="', 'URI=', 'DNS=', 'Subject="', 'cert=', 'SUCCESS', 'NONE', '(null)'],
  ['spiffe://', 'SPIFFE://', 'https://', 'spiffe:', 'xn--', '{', '}', '[', ']', '[[', '{"', '":', 'null', '1e999'],
  ['"__proto__":', '"keys":', '"kid":', '"use":"x509-svid",', '"d":"a",', '"spiffe_sequence":', '-1', '0.5'],
].flat()

/** Longer than any reader takes. */
export const longest = 90_000

type TextChange = (text: string, at: number, by: number, donors: readonly string[]) => string

const put = (text: string, from: number, to: number, what: string): string =>
  `${text.slice(0, from)}${what}${text.slice(to)}`

const tokenOf = (by: number): string => tokens[by % tokens.length] ?? ''

const copies = (by: number, text: string): string => {
  const wanted = by % 64 === 0 ? 2 + ((by >> 6) % 20_000) : 2 + ((by >> 6) % 3)
  return text.repeat(Math.min(wanted, Math.floor(longest / Math.max(1, text.length))))
}

const part = (text: string, at: number, by: number): string => text.slice(at, at + 1 + (by % 40))

const textChanges: readonly TextChange[] = [
  (text, at, by) => put(text, at, at, tokenOf(by)),
  (text, at, by) => put(text, at, at + 1, tokenOf(by)),
  (text, at, by) => put(text, at, at + 1, String.fromCharCode(by & 0x7f)),
  (text, at, by) => put(text, at, at + 1, String.fromCharCode(by & 0xffff)),
  (text, at, by) => put(text, at, at + 1 + (by % 20), ''),
  (text, at, by) => put(text, at, at, copies(by, part(text, at, by))),
  (text, at, by) => put(text, at, at, copies(by, tokenOf(by))),
  (text, at) => text.slice(0, at),
  (text, at) => text.slice(at),
  (text, at, by) => put(text, at, at + 1 + (by % 20), text.slice(at, at + 1 + (by % 20)).toUpperCase()),
  (text, at, by, donors) => put(text, at, text.length, donors[by % donors.length] ?? ''),
  (text, _, by, donors) => `${text}${[',', ', ', ';', '\n', ''][by % 5]}${donors[by % donors.length] ?? ''}`,
  (text, at, by, donors) => put(text, at, at, donors[by % donors.length] ?? ''),
  (text, at, by) => text.replaceAll(text[at] ?? ' ', tokenOf(by)),
  (text) => encodeURIComponent(text.toWellFormed()),
  (text) => `${text} `,
]

/** `text` with `changes`; parts of the `donors` get into it. */
export const changedText = (text: string, changes: TextMutations, donors: readonly string[]): string =>
  changes
    .reduce((changed, { what, at, by }) => {
      const change = textChanges[what % textChanges.length]
      return change === undefined
        ? changed
        : change(changed, changed.length === 0 ? 0 : at % changed.length, by, donors)
    }, text)
    .slice(0, 2 * longest)
