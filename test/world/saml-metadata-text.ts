import type { Instant } from '../../src/domain/time.ts'
import { namespaces } from './saml-names.ts'
import { attributesText, element, instant, type When } from './saml-text.ts'

/** Metadata of an identity provider (SAML metadata 2.3, 2.4) as text, not signed. */

export interface MetadataCertificate {
  readonly pem: string
  /** null: for every use. */
  readonly use?: 'signing' | 'encryption' | null
}

export interface MetadataOptions {
  readonly entityId: string
  readonly now: Instant
  readonly certificates: readonly MetadataCertificate[]
  readonly id?: string
  readonly validUntil?: When
  readonly cacheDuration?: string
  /** The same two for the IDPSSODescriptor alone. */
  readonly roleValidUntil?: When
  readonly roleCacheDuration?: string
  readonly protocols?: string
  /** Further KeyDescriptors and the like, at the begin of the role. */
  readonly keys?: string
  /** Further roles, after that of the identity provider. */
  readonly roles?: string
  /** XML before the roles, e.g. Extensions. */
  readonly extensions?: string
  /** The whole role in place of the usual one. */
  readonly role?: string
}

const base64Of = (pem: string): string => pem.replace(/-----[^-]*-----|\s/g, '')

export const keyDescriptor = ({ pem, use = 'signing' }: MetadataCertificate): string =>
  `<md:KeyDescriptor${attributesText({ use })}><ds:KeyInfo xmlns:ds="${namespaces.ds}"><ds:X509Data>` +
  `<ds:X509Certificate>${base64Of(pem)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`

/** The XML of an md:EntityDescriptor with one IDPSSODescriptor. */
export const metadataText = (options: MetadataOptions): string => {
  const { entityId, now, certificates, extensions = '', keys = '', roles = '' } = options
  const role = element(
    'md:IDPSSODescriptor',
    {
      protocolSupportEnumeration: options.protocols ?? namespaces.samlp,
      validUntil: instant(now, options.roleValidUntil ?? null),
      cacheDuration: options.roleCacheDuration,
    },
    keys + certificates.map(keyDescriptor).join('') + singleSignOn(entityId),
  )
  return element(
    'md:EntityDescriptor',
    {
      'xmlns:md': namespaces.md,
      entityID: entityId,
      ID: options.id,
      validUntil: instant(now, options.validUntil ?? null),
      cacheDuration: options.cacheDuration,
    },
    extensions + (options.role ?? role) + roles,
  )
}

const singleSignOn = (entityId: string): string =>
  element('md:SingleSignOnService', {
    Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect',
    Location: `${entityId}/sso`,
  })

/** Several entities in one document (SAML metadata 2.3.1). */
export const entitiesText = (
  entities: readonly string[],
  now: Instant,
  options: { readonly id?: string; readonly validUntil?: When; readonly cacheDuration?: string } = {},
): string =>
  element(
    'md:EntitiesDescriptor',
    {
      'xmlns:md': namespaces.md,
      ID: options.id,
      validUntil: instant(now, options.validUntil ?? null),
      cacheDuration: options.cacheDuration,
    },
    entities.join(''),
  )
