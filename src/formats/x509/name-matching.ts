import type { Certificate } from './certificate.ts'
import type { GeneralName } from './general-name.ts'
import { isEmptyName, isWithin, type Name, textsOf } from './name.ts'
import type { NameConstraints, NameSubtree } from './name-constraints.ts'
import { hostOfUri, isDnsName, isMailbox } from './name-syntax.ts'

/** The comparisons of names with subtrees that may still be made for one request. */
export interface ComparisonBudget {
  left: number
}

/** What came of holding the names of a certificate against the constraints of an authority. */
export type NamesVerdict = 'allowed' | 'violated' | 'too_complex'

const emailAddress = '1.2.840.113549.1.9.1'
const commonName = '2.5.4.3'

/**
 * Are all names of `certificate` within what `constraints` leaves (RFC 5280 sections 4.2.1.10, 6.1.3 (b) and (c))?
 * Every name must be in a permitted subtree of its type, if there is one of that type, and in no excluded one.
 */
export const judgeNames = (
  certificate: Certificate,
  { permitted, excluded }: NameConstraints,
  budget: ComparisonBudget,
): NamesVerdict => {
  for (const name of constrainedNames(certificate)) {
    budget.left -= permitted.length + excluded.length
    if (budget.left < 0) return 'too_complex'
    if (excluded.some((subtree) => isOfSameType(name, subtree) && mayBeIn(name, subtree))) return 'violated'
    const own = permitted.filter((subtree) => isOfSameType(name, subtree))
    if (own.length > 0 && !own.some((subtree) => isSurelyIn(name, subtree))) return 'violated'
  }
  return 'allowed'
}

/** The subject, what in it is a name of another type, and all alternative names. */
const constrainedNames = ({ subject, extensions }: Certificate): readonly GeneralName[] => {
  const names = extensions.subjectAltName?.names ?? []
  if (isEmptyName(subject)) return names
  return [{ type: 'directory', name: subject }, ...addressesIn(subject), ...hostsIn(subject, names), ...names]
}

/** An address in the subject counts beside alternative names too. */
const addressesIn = (subject: Name): readonly GeneralName[] =>
  textsOf(subject, emailAddress).map((value) => ({ type: 'email', value }))

/**
 * Where no alternative name is a host, a common name that looks like one may be taken for it. RFC 5280 does not say so;
 * but it is an old use of it, and would be a way around the constraints.
 */
const hostsIn = (subject: Name, names: readonly GeneralName[]): readonly GeneralName[] => {
  if (names.some(({ type }) => type === 'dns')) return []
  const hosts = textsOf(subject, commonName).filter((text) => text.includes('.') && isDnsName(text))
  return hosts.map((value) => ({ type: 'dns', value }))
}

const isOfSameType = (name: GeneralName, subtree: NameSubtree): boolean =>
  name.type === 'other' ? subtree.type === 'other' && subtree.form === name.form : subtree.type === name.type

/** Could the name be, or stand for, one in the excluded subtree? In doubt it could. */
const mayBeIn = (name: GeneralName, subtree: NameSubtree): boolean => {
  if (name.type === 'other') return true
  if (name.type === 'uri' && hostOfUri(name.value) === undefined) return true
  if (name.type === 'email' && !isMailbox(name.value)) return true
  return isSurelyIn(name, subtree) || coversWithWildcard(name, subtree)
}

/** `*.example.com` stands for `a.example.com`, which is in the subtree of that host. */
const coversWithWildcard = (name: GeneralName, subtree: NameSubtree): boolean =>
  name.type === 'dns' &&
  subtree.type === 'dns' &&
  name.value.startsWith('*.') &&
  subtree.host.slice(subtree.host.indexOf('.') + 1) === name.value.slice(2).toLowerCase()

/** Is the name, with all that it stands for, in the subtree? What is not understood is not. */
const isSurelyIn = (name: GeneralName, subtree: NameSubtree): boolean => {
  if (name.type === 'dns') return subtree.type === 'dns' && isHostIn(name.value.toLowerCase(), subtree.host)
  if (name.type === 'email') return subtree.type === 'email' && isMailboxIn(name.value, subtree)
  if (name.type === 'uri') return subtree.type === 'uri' && isUriIn(name.value, subtree)
  if (name.type === 'ip') return subtree.type === 'ip' && isAddressIn(name.bytes, subtree)
  return name.type === 'directory' && subtree.type === 'directory' && isWithin(name.name, subtree.name)
}

const isHostIn = (host: string, base: string): boolean => base === '' || host === base || host.endsWith(`.${base}`)

type Subtree<T extends NameSubtree['type']> = Extract<NameSubtree, { readonly type: T }>

/** The local part to the letter, the host without case (RFC 5280 section 7.5). */
const isMailboxIn = (mailbox: string, { local, host, below }: Subtree<'email'>): boolean => {
  if (!isMailbox(mailbox)) return false
  const at = mailbox.lastIndexOf('@')
  if (local !== undefined && mailbox.slice(0, at) !== local) return false
  return isExactHostIn(mailbox.slice(at + 1).toLowerCase(), host, below)
}

const isUriIn = (uri: string, { host, below }: Subtree<'uri'>): boolean => {
  const own = hostOfUri(uri)
  return own !== undefined && isExactHostIn(own, host, below)
}

const isExactHostIn = (own: string, host: string, below: boolean): boolean =>
  below ? own.endsWith(`.${host}`) : own === host

/** Addresses of the other version are in no subtree of this one. */
const isAddressIn = (bytes: Uint8Array, { address, mask }: Subtree<'ip'>): boolean =>
  bytes.length === address.length &&
  bytes.every((octet, at) => ((octet ^ (address[at] ?? 0)) & (mask[at] ?? 0xff)) === 0)
