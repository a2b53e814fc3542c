import { FormatError } from '../format-error.ts'
import { constructed, type DerNode, primitive, tags } from './der.ts'
import { booleanIn, expectTag, explicitIn, fieldsOf, hexIntegerIn } from './der-fields.ts'
import { generalizedTimeIn } from './der-time.ts'
import {
  type DistributionPoint,
  type DistributionPointName,
  distributionPointsIn,
  pointNameIn,
  reasonFlagsIn,
} from './distribution-point.ts'
import type { RawExtension } from './extension-list.ts'
import { type AuthorityKeyIdentifier, authorityKeyIdentifierIn } from './extensions.ts'
import { generalNamesIn } from './general-name.ts'
import type { Name } from './name.ts'

/** The extensions of a CRL that are understood here (RFC 5280 section 5.2). */
export interface CrlExtensions {
  readonly authorityKeyIdentifier?: AuthorityKeyIdentifier
  readonly number?: bigint
  /** The list is a delta to the complete one of this number. */
  readonly deltaBase?: bigint
  readonly issuingDistributionPoint?: IssuingDistributionPoint
  readonly freshestCrl?: { readonly points: readonly DistributionPoint[] }
  /** OIDs of critical extensions that are not understood. */
  readonly unknownCritical: readonly string[]
}

/** Which certificates and reasons a CRL is about (RFC 5280 section 5.2.5). */
export interface IssuingDistributionPoint {
  readonly name?: DistributionPointName
  readonly onlyUserCertificates: boolean
  readonly onlyAuthorities: boolean
  readonly onlySomeReasons?: ReadonlySet<number>
  readonly indirect: boolean
  readonly onlyAttributeCertificates: boolean
}

/** The extensions of an entry that are understood here (RFC 5280 section 5.3). */
export interface EntryExtensions {
  /** By its number; 8 is removeFromCRL. */
  readonly reason?: number
  readonly certificateIssuer?: Name
  readonly unknownCritical: readonly string[]
}

/** In a delta: the certificate is good again, or its hold was lifted (RFC 5280 section 5.3.1). */
export const removeFromCrl = 8

type Writable<T> = { -readonly [member in keyof T]: T[member] }
type Reader<T> = (into: Writable<T>, value: DerNode) => void
type Understood<T> = Readonly<Record<string, readonly [critical: boolean, read: Reader<T>]>>

/** With what RFC 5280 demands of the criticality of each. */
const ofLists: Understood<CrlExtensions> = {
  '2.5.29.35': [false, (into, value) => (into.authorityKeyIdentifier = authorityKeyIdentifierIn(value))],
  '2.5.29.18': [false, (_into, value) => generalNamesIn(value)],
  '2.5.29.20': [false, (into, value) => (into.number = numberIn(value))],
  '2.5.29.27': [true, (into, value) => (into.deltaBase = numberIn(value))],
  '2.5.29.28': [true, (into, value) => (into.issuingDistributionPoint = issuingDistributionPointIn(value))],
  '2.5.29.46': [false, (into, value) => (into.freshestCrl = { points: distributionPointsIn(value) })],
}

const ofEntries: Understood<EntryExtensions> = {
  '2.5.29.21': [false, (into, value) => (into.reason = reasonIn(value))],
  '2.5.29.24': [false, (_into, value) => generalizedTimeIn(expectTag(value, tags.generalizedTime))],
  '2.5.29.29': [true, (into, value) => (into.certificateIssuer = certificateIssuerIn(value))],
}

const none = { unknownCritical: [] }

/** @throws FormatError */
export const crlExtensionsIn = (list: readonly RawExtension[]): CrlExtensions =>
  readAll<CrlExtensions>(list, ofLists, none)

/** @throws FormatError */
export const entryExtensionsIn = (list: readonly RawExtension[]): EntryExtensions =>
  readAll<EntryExtensions>(list, ofEntries, none)

const readAll = <T extends { readonly unknownCritical: readonly string[] }>(
  list: readonly RawExtension[],
  understood: Understood<T>,
  nothing: T,
): T => {
  const unknown = list.filter(({ oid, critical }) => critical && understood[oid] === undefined)
  const into = { ...nothing, unknownCritical: unknown.map(({ oid }) => oid) }
  for (const { oid, critical, value } of list) {
    const known = understood[oid]
    if (known === undefined) continue
    if (known[0] !== critical) throw new FormatError('an extension of the CRL has the wrong criticality')
    known[1](into, value())
  }
  return into
}

/** Not negative and at most 20 octets (RFC 5280 section 5.2.3). */
const numberIn = (node: DerNode): bigint => {
  const { content } = expectTag(node, tags.integer)
  if (content.charCodeAt(0) >= 0x80 || content.length > 20) throw new FormatError('the number of the CRL is malformed')
  return BigInt(`0x${hexIntegerIn(node)}`)
}

/** At least one field is there, and at most one of the limits to a kind of certificates is set. */
const issuingDistributionPointIn = (node: DerNode): IssuingDistributionPoint => {
  const fields = fieldsOf(node)
  const name = fields.optional(constructed(0))
  const onlyUserCertificates = setFlag(fields.optional(primitive(1)))
  const onlyAuthorities = setFlag(fields.optional(primitive(2)))
  const reasons = fields.optional(primitive(3))
  const indirect = setFlag(fields.optional(primitive(4)))
  const onlyAttributeCertificates = setFlag(fields.optional(primitive(5)))
  fields.end()
  const limits = [onlyUserCertificates, onlyAuthorities, onlyAttributeCertificates].filter(Boolean)
  if (node.children.length === 0 || limits.length > 1)
    throw new FormatError('an issuing distribution point is malformed')
  return {
    ...(name === undefined ? {} : { name: pointNameIn(explicitIn(name)) }),
    ...(reasons === undefined ? {} : { onlySomeReasons: reasonFlagsIn(reasons) }),
    onlyUserCertificates,
    onlyAuthorities,
    indirect,
    onlyAttributeCertificates,
  }
}

/** FALSE is the default, which DER does not write. */
const setFlag = (node: DerNode | undefined): boolean => {
  if (node !== undefined && !booleanIn(node)) throw new FormatError('a default value is written out')
  return node !== undefined
}

/** CRLReason has the numbers 0 to 10 without 7 (RFC 5280 section 5.3.1). */
const reasonIn = (node: DerNode): number => {
  const { content } = expectTag(node, tags.enumerated)
  const reason = content.charCodeAt(0)
  if (content.length !== 1 || reason > 10 || reason === 7) throw new FormatError('a reason of the CRL is malformed')
  return reason
}

/** The one directory name in it (RFC 5280 section 5.3.3). */
const certificateIssuerIn = (node: DerNode): Name => {
  const [name, ...others] = generalNamesIn(node).flatMap((each) => (each.type === 'directory' ? [each.name] : []))
  if (name === undefined || others.length > 0) throw new FormatError('the issuer of a revoked certificate is malformed')
  return name
}
