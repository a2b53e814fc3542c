import { FormatError } from '../format-error.ts'
import { constructed, contentOf, type DerNode, primitive } from './der.ts'
import { elementsOf, explicitIn, fieldsOf } from './der-fields.ts'
import { ia5Text } from './directory-text.ts'
import { type OtherForm, otherFormOf } from './general-name.ts'
import { type Name, nameIn } from './name.ts'
import { isHost, isMailbox, isUriHost } from './name-syntax.ts'

/** The subtrees that names below an authority must be in, and must not be in (RFC 5280 section 4.2.1.10). */
export interface NameConstraints {
  readonly permitted: readonly NameSubtree[]
  readonly excluded: readonly NameSubtree[]
}

/** The base of a subtree: not a name of that type, but what names of that type are compared with. */
export type NameSubtree =
  /** A host and all below it; the empty text is every host. In lower case. */
  | { readonly type: 'dns'; readonly host: string }
  /** A mailbox, or all of a host, or (with `below`) all of the hosts below one. The host in lower case. */
  | { readonly type: 'email'; readonly local?: string; readonly host: string; readonly below: boolean }
  /** A host, or (with `below`) the hosts below it. In lower case. */
  | { readonly type: 'uri'; readonly host: string; readonly below: boolean }
  | { readonly type: 'ip'; readonly address: Uint8Array; readonly mask: Uint8Array }
  | { readonly type: 'directory'; readonly name: Name }
  /** A form whose subtrees are not understood: a name of that form is then refused. */
  | { readonly type: 'other'; readonly form: OtherForm }

const mostSubtrees = 8_192

/** There is at least one subtree (RFC 5280 section 4.2.1.10). @throws FormatError */
export const nameConstraintsIn = (node: DerNode): NameConstraints => {
  const fields = fieldsOf(node)
  const [permitted, excluded] = [fields.optional(constructed(0)), fields.optional(constructed(1))]
  fields.end()
  if (permitted === undefined && excluded === undefined) throw new FormatError('name constraints are empty')
  return {
    permitted: permitted === undefined ? [] : elementsOf(permitted, mostSubtrees, constructed(0)).map(subtreeIn),
    excluded: excluded === undefined ? [] : elementsOf(excluded, mostSubtrees, constructed(1)).map(subtreeIn),
  }
}

/** The minimum is zero, which DER does not write, and there is no maximum: so neither field is there. */
const subtreeIn = (node: DerNode): NameSubtree => {
  const fields = fieldsOf(node)
  const base = fields.any()
  fields.end()
  switch (base.tag) {
    case primitive(1):
      return emailSubtree(ia5Text(base))
    case primitive(2):
      return dnsSubtree(ia5Text(base))
    case primitive(6):
      return uriSubtree(ia5Text(base))
    case primitive(7):
      return addressSubtree(contentOf(base))
    case constructed(4):
      return { type: 'directory', name: nameIn(explicitIn(base)) }
    default:
      return { type: 'other', form: otherFormOf(base) }
  }
}

const malformed = () => new FormatError('a name constraint is malformed')

/** A leading period is not of this form, though many write one. */
const dnsSubtree = (text: string): NameSubtree => {
  if (text !== '' && !isHost(text)) throw malformed()
  return { type: 'dns', host: text.toLowerCase() }
}

const emailSubtree = (text: string): NameSubtree => {
  if (isMailbox(text)) {
    const at = text.indexOf('@')
    return { type: 'email', local: text.slice(0, at), host: text.slice(at + 1).toLowerCase(), below: false }
  }
  return { type: 'email', ...hostOrBelow(text, isHost) }
}

const uriSubtree = (text: string): NameSubtree => ({ type: 'uri', ...hostOrBelow(text, isUriHost) })

const hostOrBelow = (text: string, isProper: (host: string) => boolean) => {
  const below = text.startsWith('.')
  const host = below ? text.slice(1) : text
  if (!isProper(host)) throw malformed()
  return { host: host.toLowerCase(), below }
}

/** Address and mask, of 4 octets each or of 16; the mask is a prefix (RFC 4632). */
const addressSubtree = (octets: Uint8Array): NameSubtree => {
  if (octets.length !== 8 && octets.length !== 32) throw malformed()
  const half = octets.length / 2
  const mask = octets.subarray(half)
  if (!isPrefix(mask)) throw malformed()
  return { type: 'ip', address: octets.subarray(0, half), mask }
}

const isPrefix = (mask: Uint8Array): boolean =>
  /^1*0*$/.test(Array.from(mask, (octet) => octet.toString(2).padStart(8, '0')).join(''))
