import { certificateFields } from './doctor-certificates.ts'
import { identityNames, type Shot } from './doctor-expectations.ts'

/** What the probes are made of: the client's credential, and what an attacker writes. */

export interface Kit {
  /** The client's token; undefined where none was given. */
  readonly token: string | undefined
  /** The header that it goes into. */
  readonly tokenHeader: string
  /** Whether the client shows a certificate: without a token, that is its credential. */
  readonly hasCertificate: boolean
  /** More headers in which services expect an identity, such as `respond.header`. */
  readonly moreHeaders: readonly string[]
  /** A new text of 24 letters and digits, by which a line is known again. */
  readonly newMark: () => string
}

/** The lines of a good request. */
export const credentialLines = ({ tokenHeader }: Kit, token: string | undefined): readonly string[] => {
  const scheme = tokenHeader.toLowerCase() === 'authorization' ? 'Bearer ' : ''
  return token === undefined ? [] : [`${tokenHeader}: ${scheme}${token}`]
}

/** The headers in which services look for our token or for what it says. */
export const trustedHeaders = ({ moreHeaders }: Kit): readonly string[] => [
  ...identityNames,
  'Txn-Token',
  ...moreHeaders,
]

/** Those, and the ones that gateways themselves believe: lower-case. */
export const believedFields = (kit: Kit): ReadonlySet<string> =>
  new Set([...trustedHeaders(kit).map((name) => name.toLowerCase()), 'authorization', ...certificateFields])

type More = Partial<Pick<Shot, 'method' | 'tail' | 'marks'>>

/** A request with the credential of the client, and lines beside it. */
export const byClient = (kit: Kit, what: string, lines: readonly string[] = [], more: More = {}): Shot => ({
  what,
  by: 'client',
  lines: [...credentialLines(kit, kit.token), ...lines],
  method: 'GET',
  tail: '',
  marks: [],
  ...more,
})

/** A request without it. */
export const byStranger = (what: string, lines: readonly string[] = [], more: More = {}): Shot => ({
  what,
  by: 'stranger',
  lines,
  method: 'GET',
  tail: '',
  marks: [],
  ...more,
})

/** The same header names, each with a value that is known again. */
export const marked = (kit: Kit, names: readonly string[]): Pick<Shot, 'lines' | 'marks'> => {
  const marks = names.map(() => kit.newMark())
  return { marks, lines: names.map((name, at) => `${name}: ${marks[at]}`) }
}

/** A request of the client with those. */
export const spoofing = (kit: Kit, what: string, names: readonly string[]): Shot => {
  const { lines, marks } = marked(kit, names)
  return byClient(kit, what, lines, { marks })
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** An Authorization that looks like ours, with a signature made of `mark`. */
export const forgedLine = (mark: string): string => {
  const header = encoded({ alg: 'ES256', typ: 'at+jwt', kid: 'doctor' })
  const claims = encoded({ iss: 'https://dragoman.invalid', sub: 'user:doctor', exp: 4_102_444_800 })
  return `Authorization: Bearer ${header}.${claims}.${mark.repeat(4).slice(0, 86)}`
}

/** `token` with another signature: of a JWT, the twentieth character from the end is in it. */
export const tampered = (token: string): string => {
  const at = Math.max(0, token.length - 20)
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}
