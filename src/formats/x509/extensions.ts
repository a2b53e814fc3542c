import { FormatError } from '../format-error.ts'
import { constructed, type DerNode, primitive, tags } from './der.ts'
import {
  booleanIn,
  elementsOf,
  expectTag,
  fieldsOf,
  hexIntegerIn,
  hexOf,
  namedBitsIn,
  oidIn,
  smallIntegerIn,
} from './der-fields.ts'
import { type DistributionPoint, distributionPointsIn } from './distribution-point.ts'
import type { RawExtension } from './extension-list.ts'
import { type GeneralName, generalNameIn, generalNamesIn } from './general-name.ts'
import { type NameConstraints, nameConstraintsIn } from './name-constraints.ts'
import { type Policies, type PolicyMapping, policiesIn, policyMappingsIn } from './policy-extensions.ts'

/** The uses of a key (RFC 5280 section 4.2.1.3), in the order of their bits. */
export const keyUsages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

export type KeyUsage = (typeof keyUsages)[number]

/** Purposes by name in an Extended Key Usage (RFC 5280 section 4.2.1.12). */
export const purposeOids = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  anyExtendedKeyUsage: '2.5.29.37.0',
} as const

interface MayBeCritical {
  readonly critical: boolean
}

export interface AuthorityKeyIdentifier {
  /** Lower-case hex. */
  readonly keyIdentifier?: string
  readonly issuer?: readonly GeneralName[]
  readonly serial?: string
}

/** The extensions of a certificate that are understood here (RFC 5280 section 4.2); all others only by their OIDs. */
export interface Extensions {
  readonly authorityKeyIdentifier?: AuthorityKeyIdentifier
  /** Lower-case hex. */
  readonly subjectKeyIdentifier?: string
  readonly keyUsage?: MayBeCritical & { readonly usages: ReadonlySet<KeyUsage> }
  readonly certificatePolicies?: MayBeCritical & Policies
  readonly policyMappings?: MayBeCritical & { readonly mappings: readonly PolicyMapping[] }
  readonly subjectAltName?: MayBeCritical & { readonly names: readonly GeneralName[] }
  readonly basicConstraints?: MayBeCritical & { readonly ca: boolean; readonly pathLen?: number }
  readonly nameConstraints?: MayBeCritical & NameConstraints
  readonly policyConstraints?: PolicyConstraints
  /** Dotted OIDs. */
  readonly extendedKeyUsage?: MayBeCritical & { readonly purposes: readonly string[] }
  readonly crlDistributionPoints?: MayBeCritical & { readonly points: readonly DistributionPoint[] }
  readonly freshestCrl?: { readonly points: readonly DistributionPoint[] }
  /** How many more certificates may stand before anyPolicy means nothing. */
  readonly inhibitAnyPolicy?: number
  /** OIDs of critical extensions that are not understood. */
  readonly unknownCritical: readonly string[]
}

export interface PolicyConstraints {
  readonly requireExplicitPolicy?: number
  readonly inhibitPolicyMapping?: number
}

type Mutable = { -readonly [member in keyof Extensions]: Extensions[member] }

/** Reads one extension into its place. */
type Reader = (into: Mutable, value: DerNode, critical: boolean) => void

/** Must an extension be critical (`true`), must it not be (`false`), or may it be either? */
type Criticality = boolean | 'either'

/**
 * Every extension that is understood, with what RFC 5280 demands of its criticality. nameConstraints,
 * policyConstraints and inhibitAnyPolicy must be critical (sections 4.2.1.10, 4.2.1.11, 4.2.1.14) and often are not;
 * they are enforced either way.
 */
const understood: Readonly<Record<string, readonly [criticality: Criticality, read: Reader]>> = {
  '2.5.29.35': [false, (into, value) => (into.authorityKeyIdentifier = authorityKeyIdentifierIn(value))],
  '2.5.29.14': [
    false,
    (into, value) => (into.subjectKeyIdentifier = keyIdentifierIn(expectTag(value, tags.octetString))),
  ],
  '2.5.29.15': ['either', (into, value, critical) => (into.keyUsage = { critical, usages: keyUsageIn(value) })],
  '2.5.29.32': ['either', (into, value, critical) => (into.certificatePolicies = { critical, ...policiesIn(value) })],
  '2.5.29.33': [
    'either',
    (into, value, critical) => (into.policyMappings = { critical, mappings: policyMappingsIn(value) }),
  ],
  '2.5.29.17': [
    'either',
    (into, value, critical) => (into.subjectAltName = { critical, names: generalNamesIn(value) }),
  ],
  '2.5.29.18': ['either', (_into, value) => generalNamesIn(value)],
  '2.5.29.19': [
    'either',
    (into, value, critical) => (into.basicConstraints = { critical, ...basicConstraintsIn(value) }),
  ],
  '2.5.29.30': [
    'either',
    (into, value, critical) => (into.nameConstraints = { critical, ...nameConstraintsIn(value) }),
  ],
  '2.5.29.36': ['either', (into, value) => (into.policyConstraints = policyConstraintsIn(value))],
  '2.5.29.37': [
    'either',
    (into, value, critical) => (into.extendedKeyUsage = { critical, purposes: purposesIn(value) }),
  ],
  '2.5.29.31': [
    'either',
    (into, value, critical) => (into.crlDistributionPoints = { critical, points: distributionPointsIn(value) }),
  ],
  '2.5.29.46': [false, (into, value) => (into.freshestCrl = { points: distributionPointsIn(value) })],
  '2.5.29.54': ['either', (into, value) => (into.inhibitAnyPolicy = smallIntegerIn(expectTag(value, tags.integer)))],
  '1.3.6.1.5.5.7.1.1': [false, (_into, value) => assertAccessDescriptions(value)],
  '1.3.6.1.5.5.7.1.11': [false, (_into, value) => assertAccessDescriptions(value)],
}

/**
 * Reads all extensions that are understood here, the non-critical ones too: a malformed one could mean something else
 * to another reader.
 *
 * @throws FormatError
 */
export const extensionsIn = (list: readonly RawExtension[]): Extensions => {
  const into: Mutable = { unknownCritical: list.filter(isUnknownCritical).map(({ oid }) => oid) }
  for (const { oid, critical, value } of list) {
    const [criticality, read] = understood[oid] ?? []
    if (read === undefined) continue
    if (typeof criticality === 'boolean' && criticality !== critical)
      throw new FormatError(critical ? 'an extension must not be critical' : 'an extension must be critical')
    read(into, value(), critical)
  }
  return into
}

const isUnknownCritical = ({ oid, critical }: RawExtension): boolean => critical && understood[oid] === undefined

const keyIdentifierIn = (node: DerNode): string => {
  if (node.content.length === 0 || node.content.length > 128) throw new FormatError('a key identifier is malformed')
  return hexOf(node.content)
}

/** RFC 5280 section 4.2.1.1: the issuer and the serial number come together or not at all. */
export const authorityKeyIdentifierIn = (node: DerNode): AuthorityKeyIdentifier => {
  const fields = fieldsOf(node)
  const [key, issuer, serial] = [
    fields.optional(primitive(0)),
    fields.optional(constructed(1)),
    fields.optional(primitive(2)),
  ]
  fields.end()
  if ((issuer === undefined) !== (serial === undefined))
    throw new FormatError('an authority key identifier is malformed')
  return {
    ...(key === undefined ? {} : { keyIdentifier: keyIdentifierIn(key) }),
    ...(issuer === undefined ? {} : { issuer: generalNamesIn(issuer, constructed(1)) }),
    ...(serial === undefined ? {} : { serial: hexIntegerIn(serial) }),
  }
}

/** At least one bit is set (RFC 5280 section 4.2.1.3). */
const keyUsageIn = (node: DerNode): ReadonlySet<KeyUsage> => {
  const bits = namedBitsIn(expectTag(node, tags.bitString))
  const usages = keyUsages.filter((_usage, bit) => bits.has(bit))
  if (usages.length === 0 || usages.length < bits.size) throw new FormatError('a key usage is malformed')
  return new Set(usages)
}

const mostPurposes = 64

const purposesIn = (node: DerNode): readonly string[] =>
  elementsOf(node, mostPurposes).map((purpose) => oidIn(expectTag(purpose, tags.oid)))

/** RFC 5280 section 4.2.1.9: a path length is for authorities only. */
const basicConstraintsIn = (node: DerNode): { readonly ca: boolean; readonly pathLen?: number } => {
  const fields = fieldsOf(node)
  const flag = fields.optional(tags.boolean)
  const length = fields.optional(tags.integer)
  fields.end()
  if (flag !== undefined && !booleanIn(flag)) throw new FormatError('a default value is written out')
  const ca = flag !== undefined
  if (!ca && length !== undefined) throw new FormatError('a path length is set for what is no authority')
  return length === undefined ? { ca } : { ca, pathLen: smallIntegerIn(length) }
}

/** RFC 5280 section 4.2.1.11: not empty. */
const policyConstraintsIn = (node: DerNode): PolicyConstraints => {
  const fields = fieldsOf(node)
  const [explicit, mapping] = [fields.optional(primitive(0)), fields.optional(primitive(1))]
  fields.end()
  if (explicit === undefined && mapping === undefined) throw new FormatError('policy constraints are empty')
  return {
    ...(explicit === undefined ? {} : { requireExplicitPolicy: smallIntegerIn(explicit) }),
    ...(mapping === undefined ? {} : { inhibitPolicyMapping: smallIntegerIn(mapping) }),
  }
}

const mostDescriptions = 64

/** Authority and subject information access (RFC 5280 sections 4.2.2.1, 4.2.2.2): nothing is fetched from there. */
const assertAccessDescriptions = (node: DerNode): void => {
  for (const description of elementsOf(node, mostDescriptions)) {
    const fields = fieldsOf(description)
    oidIn(fields.next(tags.oid))
    generalNameIn(fields.any())
    fields.end()
  }
}
