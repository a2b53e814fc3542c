import { randomUUID } from 'node:crypto'
import type { Instant } from '../../src/domain/time.ts'
import { confirmationMethods, contextClasses, nameIdFormats, namespaces } from './saml-names.ts'
import { element, instant, type Markup, textOf, type When } from './saml-text.ts'

/** A saml:Assertion (SAML core 2.3.3) as text, not signed. Every field can be changed; what is null is left out. */

export interface NameIdOptions {
  readonly value: string | Markup
  readonly format?: string | null
  readonly nameQualifier?: string
  readonly spNameQualifier?: string
  readonly spProvidedId?: string
}

export interface ConfirmationOptions {
  readonly method?: string | null
  readonly recipient?: string | null
  readonly notOnOrAfter?: When
  readonly notBefore?: When
  readonly inResponseTo?: string
  readonly address?: string
  /** The NameID, BaseID or EncryptedID of the one who must confirm. */
  readonly who?: Markup
  /** null: no SubjectConfirmationData. */
  readonly data?: Markup | null
}

export interface ConditionsOptions {
  readonly notBefore?: When
  readonly notOnOrAfter?: When
  /** One AudienceRestriction each. */
  readonly audiences?: readonly (readonly (string | Markup)[])[]
  readonly oneTimeUse?: boolean
  readonly proxyRestriction?: { readonly count?: number | string; readonly audiences?: readonly string[] }
  /** Further conditions. */
  readonly more?: string
}

export interface AuthnOptions {
  readonly instant?: When
  readonly sessionIndex?: string | null
  readonly sessionNotOnOrAfter?: When
  readonly contextClass?: string | null
  readonly authorities?: readonly string[]
}

/** A text, a NameID, nothing (xsi:nil), or whatever. */
export type AttributeValue = string | NameIdOptions | Markup | null

export interface AttributeOptions {
  readonly name: string
  readonly values: readonly AttributeValue[]
  readonly nameFormat?: string
  readonly friendlyName?: string
  /** For xsi:type of every value. */
  readonly type?: string
}

/** By name; a text is the only value. */
export type Attributes = Readonly<Record<string, string | readonly AttributeValue[]>>

export interface AssertionOptions {
  readonly id?: string | null
  readonly version?: string | null
  readonly issueInstant?: When
  readonly issuer?: string | Markup | null
  readonly issuerFormat?: string
  readonly nameId?: string | NameIdOptions | Markup | null
  readonly confirmations?: readonly ConfirmationOptions[]
  /** The whole Subject in place of what nameId and confirmations say. */
  readonly subject?: Markup | null
  readonly conditions?: ConditionsOptions | Markup | null
  readonly authn?: AuthnOptions | null
  /** What one AttributeStatement says. */
  readonly attributes?: Attributes | null
  /** One AttributeStatement each, in place of `attributes`. */
  readonly statements?: readonly (readonly AttributeOptions[])[]
  /** XML after the conditions, before the statements. */
  readonly advice?: string
  /** XML at the end of the assertion. */
  readonly more?: string
  /** The prefix of the assertion's namespace; the empty one makes it the default namespace. */
  readonly prefix?: string
  /** Further namespaces that the root declares, by prefix. */
  readonly declared?: Readonly<Record<string, string>>
  /** Leave the declaration of the assertion's namespace to whatever is around it. */
  readonly undeclared?: boolean
  /** Written between the children. */
  readonly between?: string
}

/** What an assertion says where its options do not. */
export interface AssertionDefaults {
  readonly now: Instant
  readonly issuer: string
  readonly audience: string
  readonly recipient: string
}

export const freshId = (): string => `_${randomUUID()}`

/** The XML of an assertion: issued ten seconds ago by `issuer`, good for five minutes, about alice@example.com. */
export const assertionText = (options: AssertionOptions, defaults: AssertionDefaults): string => {
  const { prefix = 'saml', id = freshId(), version = '2.0', issueInstant = -10, between = '' } = options
  const q = (name: string) => (prefix === '' ? name : `${prefix}:${name}`)
  const declared = options.undeclared ? {} : { [prefix === '' ? 'xmlns' : `xmlns:${prefix}`]: namespaces.saml }
  const others = Object.fromEntries(
    Object.entries(options.declared ?? {}).map(([name, uri]) => [name === '' ? 'xmlns' : `xmlns:${name}`, uri]),
  )
  const own = { ID: id, Version: version, IssueInstant: instant(defaults.now, issueInstant) }
  const parts = [
    issuerText(options, defaults, q),
    subjectText(options, defaults, q),
    conditionsText(options.conditions, defaults, q),
    options.advice ?? '',
    authnText(options.authn, defaults, q),
    ...statementsOf(options).map((list) => statementText(list, q)),
    options.more ?? '',
  ].filter((part) => part !== '')
  return element(
    q('Assertion'),
    { ...declared, ...others, ...own },
    between + parts.map((part) => part + between).join(''),
  )
}

type Qualify = (name: string) => string

const issuerText = (options: AssertionOptions, defaults: AssertionDefaults, q: Qualify): string => {
  const { issuer = defaults.issuer, issuerFormat } = options
  return issuer === null ? '' : element(q('Issuer'), { Format: issuerFormat }, textOf(issuer))
}

const isMarkup = (value: object): value is Markup => 'xml' in value

export const nameIdText = (options: NameIdOptions, name = 'saml:NameID', declared: object = {}): string =>
  element(
    name,
    {
      ...declared,
      Format: options.format === undefined ? nameIdFormats.emailAddress : options.format,
      NameQualifier: options.nameQualifier,
      SPNameQualifier: options.spNameQualifier,
      SPProvidedID: options.spProvidedId,
    },
    textOf(options.value),
  )

const subjectText = (options: AssertionOptions, defaults: AssertionDefaults, q: Qualify): string => {
  const { subject, nameId = 'alice@example.com', confirmations = [{}] } = options
  if (subject === null) return ''
  if (subject !== undefined) return subject.xml
  const confirmed = confirmations.map((each) => confirmationText(each, defaults, q)).join('')
  return element(q('Subject'), {}, identifierText(nameId, q) + confirmed)
}

const identifierText = (nameId: string | NameIdOptions | Markup | null, q: Qualify): string => {
  if (nameId === null) return ''
  if (typeof nameId === 'string') return nameIdText({ value: nameId }, q('NameID'))
  return isMarkup(nameId) ? nameId.xml : nameIdText(nameId, q('NameID'))
}

const confirmationText = (options: ConfirmationOptions, defaults: AssertionDefaults, q: Qualify): string => {
  const { method = confirmationMethods.bearer, recipient = defaults.recipient, notOnOrAfter = 300 } = options
  const data = element(q('SubjectConfirmationData'), {
    Recipient: recipient,
    NotBefore: instant(defaults.now, options.notBefore ?? null),
    NotOnOrAfter: instant(defaults.now, notOnOrAfter),
    InResponseTo: options.inResponseTo,
    Address: options.address,
  })
  const content = options.data === undefined ? data : (options.data?.xml ?? '')
  return element(q('SubjectConfirmation'), { Method: method }, (options.who?.xml ?? '') + content)
}

const conditionsText = (
  options: ConditionsOptions | Markup | null | undefined,
  defaults: AssertionDefaults,
  q: Qualify,
): string => {
  if (options === null) return ''
  if (options !== undefined && isMarkup(options)) return options.xml
  const { notBefore = -10, notOnOrAfter = 300, audiences = [[defaults.audience]], proxyRestriction } = options ?? {}
  const audienceText = (audience: string | Markup) => element(q('Audience'), {}, textOf(audience))
  const proxy = (proxyRestriction?.audiences ?? []).map(audienceText).join('')
  return element(
    q('Conditions'),
    { NotBefore: instant(defaults.now, notBefore), NotOnOrAfter: instant(defaults.now, notOnOrAfter) },
    [
      ...audiences.map((restriction) => element(q('AudienceRestriction'), {}, restriction.map(audienceText).join(''))),
      options?.oneTimeUse === true ? element(q('OneTimeUse'), {}) : '',
      proxyRestriction === undefined ? '' : element(q('ProxyRestriction'), proxyCount(proxyRestriction), proxy),
      options?.more ?? '',
    ].join(''),
  )
}

const proxyCount = ({ count }: { readonly count?: number | string }) => ({ Count: count?.toString() })

const authnText = (options: AuthnOptions | null | undefined, defaults: AssertionDefaults, q: Qualify): string => {
  if (options === null) return ''
  const { sessionIndex = '_session-1', contextClass = contextClasses.password, authorities = [] } = options ?? {}
  const at = options?.instant === undefined ? -60 : options.instant
  return element(
    q('AuthnStatement'),
    {
      AuthnInstant: instant(defaults.now, at),
      SessionIndex: sessionIndex,
      SessionNotOnOrAfter: instant(defaults.now, options?.sessionNotOnOrAfter ?? null),
    },
    element(
      q('AuthnContext'),
      {},
      (contextClass === null ? '' : element(q('AuthnContextClassRef'), {}, textOf(contextClass))) +
        authorities.map((each) => element(q('AuthenticatingAuthority'), {}, textOf(each))).join(''),
    ),
  )
}

const defaultAttributes: Attributes = {
  email: 'alice@example.com',
  groups: ['employees', 'orders-team'],
}

const statementsOf = ({ attributes = defaultAttributes, statements }: AssertionOptions) => {
  if (statements !== undefined) return statements
  if (attributes === null) return []
  return [
    Object.entries(attributes).map(
      ([name, value]): AttributeOptions => ({ name, values: typeof value === 'string' ? [value] : value }),
    ),
  ]
}

const statementText = (list: readonly AttributeOptions[], q: Qualify): string =>
  element(q('AttributeStatement'), {}, list.map((each) => attributeText(each, q)).join(''))

const attributeText = ({ name, values, nameFormat, friendlyName, type }: AttributeOptions, q: Qualify): string =>
  element(
    q('Attribute'),
    { Name: name, NameFormat: nameFormat, FriendlyName: friendlyName },
    values.map((value) => valueText(value, type, q)).join(''),
  )

const valueText = (value: AttributeValue, type: string | undefined, q: Qualify): string => {
  const name = q('AttributeValue')
  const xsi = { 'xmlns:xsi': namespaces.xsi }
  if (value === null) return element(name, { ...xsi, 'xsi:nil': 'true' })
  const attributes = type === undefined ? {} : { ...xsi, 'xsi:type': type }
  if (typeof value === 'string') return element(name, attributes, textOf(value))
  return element(name, attributes, isMarkup(value) ? value.xml : nameIdText(value, q('NameID')))
}
