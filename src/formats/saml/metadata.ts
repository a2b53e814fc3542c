import type { Instant, Seconds } from '../../domain/time.ts'
import { FormatError } from '../format-error.ts'
import { sameBytes } from '../same-bytes.ts'
import { type PublicKey, publicKeyOfCertificate } from '../x509/certificate-key.ts'
import { parseXml, type XmlElement, type XmlLimits } from '../xml/document.ts'
import { durationIn, instantIn } from '../xml/instant.ts'
import { attributeIn, base64In, elementsIn, isNamed, requiredAttributeIn, textIn } from '../xml/reading.ts'
import { signatureNamespace } from '../xml/signature.ts'
import { assertionNamespace, metadataNamespace, protocolNamespace } from './names.ts'

/** What metadata says about one identity provider (SAML metadata sections 2.3.2 and 2.4.3). */
export interface IdentityProvider {
  /** What it signs with, each once; at least one. */
  readonly keys: readonly PublicKey[]
  /** How many keys it names besides that cannot be used: weak, malformed, of another kind, several under one name. */
  readonly unusableKeys: number
  /** When the first of the elements that say all this expires. `Infinity`: none does. */
  readonly validUntil: Instant
  /** The shortest time after which one of them wants to be fetched again. `Infinity`: none says so. */
  readonly cacheDuration: Seconds
  readonly singleSignOn: readonly { readonly binding: string; readonly location: string }[]
  readonly nameIdFormats: readonly string[]
  /** What it advertises that its assertions can say. */
  readonly attributes: readonly AdvertisedAttribute[]
  /** The organization behind it: its English display name, or else the first. */
  readonly organization?: string
}

export interface AdvertisedAttribute {
  readonly name: string
  readonly friendlyName?: string
}

/** Room for a federation of some thousand entities. */
export const metadataLimits: XmlLimits = { characters: 4_194_304, depth: 32, elements: 100_000, attributes: 64 }

const mostKeys = 32

/** Those whom a document describes, by entityID. Nothing else of it is kept, for it may be large. */
export type DescribedEntities = ReadonlyMap<string, readonly Entity[]>

/**
 * Those whom a document describes: an EntityDescriptor alone, or the EntitiesDescriptor of a federation with all it holds.
 *
 * @throws FormatError
 */
export const describedEntitiesIn = (text: string, limits = metadataLimits): DescribedEntities => {
  const described = new Map<string, Entity[]>()
  for (const one of entitiesIn(parseXml(text, limits))) {
    const entityID = attributeIn(one.entity, 'entityID')
    if (entityID === undefined) continue
    const namesakes = described.get(entityID)
    if (namesakes === undefined) described.set(entityID, [one])
    else namesakes.push(one)
  }
  return described
}

/** The identity provider `entityID`, which must be among them once. @throws FormatError */
export const identityProviderAmong = (described: DescribedEntities, entityID: string): IdentityProvider => {
  const { entity, around } = theOnly(described.get(entityID) ?? [], 'the metadata is not about the entity')
  const role = theOnly(rolesOf(entity), 'the entity is no identity provider of SAML 2.0')
  return {
    ...keysOf(role),
    ...timesOf([...around, entity, role]),
    singleSignOn: childrenOf(role, metadataNamespace, 'SingleSignOnService').map(endpointOf),
    nameIdFormats: childrenOf(role, metadataNamespace, 'NameIDFormat').map((format) => textIn(format).trim()),
    attributes: childrenOf(role, assertionNamespace, 'Attribute').map(attributeOf),
    ...organizationOf([entity, role]),
  }
}

/** The identity provider `entityID` in a document that is believed for the place it came from. @throws FormatError */
export const identityProviderIn = (text: string, entityID: string): IdentityProvider =>
  identityProviderAmong(describedEntitiesIn(text), entityID)

/** The entityID of every identity provider of SAML 2.0 in a document. @throws FormatError */
export const identityProvidersIn = (text: string): readonly string[] =>
  entitiesIn(parseXml(text, metadataLimits))
    .filter(({ entity }) => rolesOf(entity).length > 0)
    .map(({ entity }) => requiredAttributeIn(entity, 'entityID'))

/** Of two that are alike nobody can say which one counts. */
const theOnly = <T>(found: readonly T[], otherwise: string): T => {
  const [one, ...others] = found
  if (one === undefined) throw new FormatError(otherwise)
  if (others.length > 0) throw new FormatError('the metadata describes the entity more than once')
  return one
}

const childrenOf = (element: XmlElement, namespace: string, local: string): readonly XmlElement[] =>
  elementsIn(element).filter((child) => isNamed(child, namespace, local))

export interface Entity {
  /** With no child elements but those that are asked for. */
  readonly entity: XmlElement
  /** The EntitiesDescriptors that it stands in, without what stands in them. */
  readonly around: readonly XmlElement[]
}

const entitiesIn = (root: XmlElement): readonly Entity[] => {
  const isMetadata = ['EntityDescriptor', 'EntitiesDescriptor'].includes(root.local)
  if (!isMetadata || root.namespace !== metadataNamespace) throw new FormatError('the document is not SAML metadata')
  return entitiesBelow(root, [])
}

const entitiesBelow = (element: XmlElement, around: readonly XmlElement[]): readonly Entity[] => {
  if (isNamed(element, metadataNamespace, 'EntityDescriptor'))
    return [{ entity: withOnly(element, ['IDPSSODescriptor', 'Organization']), around }]
  if (!isNamed(element, metadataNamespace, 'EntitiesDescriptor')) return []
  const within = [...around, withOnly(element, [])]
  return elementsIn(element).flatMap((child) => entitiesBelow(child, within))
}

/** The element with its children of these names alone. Text stays, to be refused by whoever reads it. */
const withOnly = (element: XmlElement, names: readonly string[]): XmlElement => ({
  ...element,
  children: element.children.filter(
    (child) => typeof child === 'string' || (names.includes(child.local) && child.namespace === metadataNamespace),
  ),
})

/** One that speaks other protocols only, such as SAML 1.1, has keys for those. */
const rolesOf = (entity: XmlElement): readonly XmlElement[] =>
  childrenOf(entity, metadataNamespace, 'IDPSSODescriptor').filter((role) =>
    requiredAttributeIn(role, 'protocolSupportEnumeration')
      .split(/[\t\n\r ]+/)
      .includes(protocolNamespace),
  )

/** A KeyDescriptor without `use` is for every use (SAML metadata section 2.4.1.1). */
const keysOf = (role: XmlElement): Pick<IdentityProvider, 'keys' | 'unusableKeys'> => {
  const descriptors = childrenOf(role, metadataNamespace, 'KeyDescriptor').filter(
    (descriptor) => (attributeIn(descriptor, 'use') ?? 'signing') === 'signing',
  )
  if (descriptors.length === 0) throw new FormatError('the identity provider has no key to sign with')
  if (descriptors.length > mostKeys) throw new FormatError('the identity provider has too many keys')
  const found = descriptors.map(keyOrFaultOf)
  const keys = found.flatMap((one) => ('key' in one ? [one.key] : []))
  const [fault] = found.flatMap((one) => ('fault' in one ? [one.fault] : []))
  if (keys.length === 0)
    throw new FormatError(`the identity provider has no key that can be used: ${fault?.message}`, { cause: fault })
  return { keys: eachOnce(keys), unusableKeys: found.length - keys.length }
}

const keyOrFaultOf = (descriptor: XmlElement): { readonly key: PublicKey } | { readonly fault: FormatError } => {
  try {
    return { key: keyOf(descriptor) }
  } catch (fault) {
    if (fault instanceof FormatError) return { fault }
    throw fault
  }
}

/**
 * The key of a KeyDescriptor, which names one (SAML metadata section 2.4.1.1). Where its certificates have several, some
 * are those of the authorities above it, which do not sign for it: none is believed.
 */
const keyOf = (descriptor: XmlElement): PublicKey => {
  const certificates = childrenOf(descriptor, signatureNamespace, 'KeyInfo')
    .flatMap((info) => childrenOf(info, signatureNamespace, 'X509Data'))
    .flatMap((data) => childrenOf(data, signatureNamespace, 'X509Certificate'))
  const [key, ...others] = eachOnce(certificates.map((one) => publicKeyOfCertificate(base64In(one, []))))
  if (key === undefined) throw new FormatError('a key is not given by its certificate')
  if (others.length > 0) throw new FormatError('the certificates of one key have several keys')
  return key
}

const eachOnce = (keys: readonly PublicKey[]): readonly PublicKey[] =>
  keys.filter((key, at) => keys.findIndex(({ spki }) => sameBytes(spki, key.spki)) === at)

/** What an element says of its time holds for all in it (SAML metadata sections 2.3.1, 2.3.2, 2.4.1). */
const timesOf = (elements: readonly XmlElement[]): Pick<IdentityProvider, 'validUntil' | 'cacheDuration'> => {
  const least = (name: string, read: (text: string) => number): number =>
    Math.min(
      ...elements.map((element) => {
        const text = attributeIn(element, name)
        return text === undefined ? Number.POSITIVE_INFINITY : read(text)
      }),
    )
  return { validUntil: least('validUntil', instantIn), cacheDuration: least('cacheDuration', durationIn) }
}

const endpointOf = (service: XmlElement) => ({
  binding: requiredAttributeIn(service, 'Binding'),
  location: requiredAttributeIn(service, 'Location'),
})

const attributeOf = (attribute: XmlElement): AdvertisedAttribute => {
  const friendlyName = attributeIn(attribute, 'FriendlyName')
  return { name: requiredAttributeIn(attribute, 'Name'), ...(friendlyName === undefined ? {} : { friendlyName }) }
}

const organizationOf = (elements: readonly XmlElement[]): Pick<IdentityProvider, 'organization'> => {
  const names = elements
    .flatMap((element) => childrenOf(element, metadataNamespace, 'Organization'))
    .flatMap((organization) => childrenOf(organization, metadataNamespace, 'OrganizationDisplayName'))
  const name = names.find(isEnglish) ?? names[0]
  return name === undefined ? {} : { organization: textIn(name).trim() }
}

const isEnglish = ({ attributes }: XmlElement): boolean =>
  attributes.some(({ prefix, local, value }) => prefix === 'xml' && local === 'lang' && /^en(-|$)/i.test(value))
