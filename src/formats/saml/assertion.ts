import type { Instant } from '../../domain/time.ts'
import { FormatError } from '../format-error.ts'
import type { XmlElement } from '../xml/document.ts'
import { instantIn } from '../xml/instant.ts'
import { attributeIn, elementsIn, isNamed, requiredAttributeIn, sequenceIn, textIn } from '../xml/reading.ts'
import { attributesIn, type SamlAttribute } from './attributes.ts'
import { type Conditions, conditionsIn } from './conditions.ts'
import { assertionNamespace, entityFormat } from './names.ts'
import { type Subject, subjectIn } from './subject.ts'

/** A SAML 2.0 assertion (SAML core section 2.3.3), read from nothing but its signed content. */
export interface Assertion {
  readonly id: string
  readonly issuer: string
  readonly issuedAt: Instant
  readonly subject: Subject
  readonly conditions: Conditions
  readonly authentications: readonly AuthnStatement[]
  readonly attributes: readonly SamlAttribute[]
}

/** SAML core section 2.7.2. */
export interface AuthnStatement {
  readonly at: Instant
  readonly sessionIndex?: string
  readonly sessionNotOnOrAfter?: Instant
  readonly contextClass?: string
}

/**
 * Reads an assertion to the letter of its schema: version 2.0, every element where it may stand and no other.
 *
 * @throws AlgorithmError, FormatError
 */
export const assertionIn = (root: XmlElement): Assertion => {
  if (!isNamed(root, assertionNamespace, 'Assertion')) throw new FormatError('the element is not a SAML 2.0 Assertion')
  if (attributeIn(root, 'Version') !== '2.0') throw new FormatError('the assertion is not of version 2.0')
  const parts = sequenceIn(root, assertionNamespace)
  const issuer = issuerIn(parts.one('Issuer'))
  const subject = subjectIn(parts.one('Subject'), root)
  const conditions = conditionsIn(parts.optional('Conditions'))
  parts.optional('Advice')
  return {
    id: idIn(root),
    issuer,
    issuedAt: instantIn(requiredAttributeIn(root, 'IssueInstant')),
    subject,
    conditions,
    ...statementsIn(parts.rest()),
  }
}

/** xs:ID, as the signature refers to it and the replay guard remembers it. */
const idIn = (root: XmlElement): string => {
  const id = requiredAttributeIn(root, 'ID')
  if (!/^[\p{L}_][\p{L}\p{N}_.-]{0,255}$/u.test(id)) throw new FormatError('the ID of the assertion is not one')
  return id
}

/** SAML core section 2.2.5. The name is the whole text: nothing around it is trimmed away. */
const issuerIn = (element: XmlElement): string => {
  const format = attributeIn(element, 'Format')
  if (format !== undefined && format !== entityFormat) throw new FormatError('the Issuer is not the name of an entity')
  return textIn(element)
}

const ignoredStatements: readonly string[] = ['Statement', 'AuthzDecisionStatement']

const statementsIn = (elements: readonly XmlElement[]): Pick<Assertion, 'authentications' | 'attributes'> => {
  const authentications: AuthnStatement[] = []
  const attributeElements: XmlElement[] = []
  for (const element of elements) {
    if (element.namespace !== assertionNamespace) throw unexpected()
    if (element.local === 'AuthnStatement') authentications.push(authnStatementIn(element))
    else if (element.local === 'AttributeStatement') attributeElements.push(...attributeElementsIn(element))
    else if (!ignoredStatements.includes(element.local)) throw unexpected()
  }
  return { authentications, attributes: attributesIn(attributeElements) }
}

const unexpected = () => new FormatError('the assertion holds an element that it must not have there')

const attributeElementsIn = (statement: XmlElement): readonly XmlElement[] => {
  const elements = elementsIn(statement)
  if (elements.some((element) => isNamed(element, assertionNamespace, 'EncryptedAttribute')))
    throw new FormatError('the assertion has an EncryptedAttribute, which is not read here')
  if (!elements.every((element) => isNamed(element, assertionNamespace, 'Attribute'))) throw unexpected()
  return elements
}

const authnStatementIn = (statement: XmlElement): AuthnStatement => {
  const parts = sequenceIn(statement, assertionNamespace)
  parts.optional('SubjectLocality')
  const contextClass = contextClassIn(parts.one('AuthnContext'))
  parts.end()
  const sessionIndex = attributeIn(statement, 'SessionIndex')
  const sessionEnd = attributeIn(statement, 'SessionNotOnOrAfter')
  return {
    at: instantIn(requiredAttributeIn(statement, 'AuthnInstant')),
    ...(sessionIndex === undefined ? {} : { sessionIndex }),
    ...(sessionEnd === undefined ? {} : { sessionNotOnOrAfter: instantIn(sessionEnd) }),
    ...(contextClass === undefined ? {} : { contextClass }),
  }
}

/** The class alone; declarations and authorities are not read. */
const contextClassIn = (context: XmlElement): string | undefined => {
  const found = elementsIn(context).filter((one) => isNamed(one, assertionNamespace, 'AuthnContextClassRef'))
  if (found.length > 1) throw new FormatError('there is more than one AuthnContextClassRef')
  return found[0] === undefined ? undefined : textIn(found[0]).trim()
}
