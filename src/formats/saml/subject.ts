import type { Instant } from '../../domain/time.ts'
import { FormatError } from '../format-error.ts'
import { isBlank, type XmlElement } from '../xml/document.ts'
import { type EncryptedElement, encryptedElementIn } from '../xml/encryption.ts'
import { instantIn } from '../xml/instant.ts'
import { attributeIn, isNamed, requiredAttributeIn, sequenceIn, textIn } from '../xml/reading.ts'
import { assertionNamespace } from './names.ts'

/** Whom an assertion is about, and how that may be confirmed (SAML core section 2.4). */
export interface Subject {
  /** The name, or the EncryptedID that hides it. */
  readonly name: NameId | { readonly encrypted: EncryptedElement }
  readonly confirmations: readonly SubjectConfirmation[]
}

/** SAML core section 2.2.3. */
export interface NameId {
  readonly value: string
  readonly format?: string
  readonly nameQualifier?: string
  readonly spNameQualifier?: string
  readonly spProvidedId?: string
}

export interface SubjectConfirmation {
  readonly method: string
  /** It names somebody who alone may be confirmed by it. */
  readonly isForNamed: boolean
  readonly data?: SubjectConfirmationData
}

/** SAML core section 2.4.1.2, as far as a bearer is confirmed by it. */
export interface SubjectConfirmationData {
  readonly recipient?: string
  readonly notBefore?: Instant
  readonly notOnOrAfter?: Instant
}

/**
 * @param assertion the element around `subject`
 * @throws AlgorithmError, FormatError when nobody is named
 */
export const subjectIn = (subject: XmlElement, assertion: XmlElement): Subject => {
  const parts = sequenceIn(subject, assertionNamespace)
  const plain = parts.optional('NameID')
  const encrypted = plain === undefined ? parts.optional('EncryptedID') : undefined
  const confirmations = parts.all('SubjectConfirmation').map(confirmationIn)
  parts.end()
  if (plain !== undefined) return { name: nameIdIn(plain), confirmations }
  if (encrypted === undefined) throw new FormatError('the Subject has no NameID')
  const place = { ancestors: [assertion, subject] }
  return { name: { encrypted: encryptedElementIn(encrypted, place) }, confirmations }
}

/** @throws FormatError when it is blank or not a NameID */
export const nameIdIn = (element: XmlElement): NameId => {
  if (!isNamed(element, assertionNamespace, 'NameID')) throw new FormatError('the element is not a NameID')
  const value = textIn(element)
  if (isBlank(value)) throw new FormatError('the NameID is empty')
  if (value !== value.trim()) throw new FormatError('the NameID begins or ends with white space')
  const format = attributeIn(element, 'Format')
  const nameQualifier = attributeIn(element, 'NameQualifier')
  const spNameQualifier = attributeIn(element, 'SPNameQualifier')
  const spProvidedId = attributeIn(element, 'SPProvidedID')
  return {
    value,
    ...(format === undefined ? {} : { format }),
    ...(nameQualifier === undefined ? {} : { nameQualifier }),
    ...(spNameQualifier === undefined ? {} : { spNameQualifier }),
    ...(spProvidedId === undefined ? {} : { spProvidedId }),
  }
}

const confirmationIn = (element: XmlElement): SubjectConfirmation => {
  const parts = sequenceIn(element, assertionNamespace)
  const isForNamed = ['BaseID', 'NameID', 'EncryptedID'].some((name) => parts.optional(name) !== undefined)
  const data = parts.optional('SubjectConfirmationData')
  parts.end()
  const method = requiredAttributeIn(element, 'Method')
  return { method, isForNamed, ...(data === undefined ? {} : { data: dataIn(data) }) }
}

const dataIn = (data: XmlElement): SubjectConfirmationData => {
  const recipient = attributeIn(data, 'Recipient')
  const notBefore = attributeIn(data, 'NotBefore')
  const notOnOrAfter = attributeIn(data, 'NotOnOrAfter')
  return {
    ...(recipient === undefined ? {} : { recipient }),
    ...(notBefore === undefined ? {} : { notBefore: instantIn(notBefore) }),
    ...(notOnOrAfter === undefined ? {} : { notOnOrAfter: instantIn(notOnOrAfter) }),
  }
}
