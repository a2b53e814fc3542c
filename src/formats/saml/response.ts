import { FormatError } from '../format-error.ts'
import { parseXml, type XmlElement, type XmlLimits } from '../xml/document.ts'
import { canonicalText, scopeOf } from '../xml/exclusive-c14n.ts'
import { elementsIn, everyElement, isNamed } from '../xml/reading.ts'
import { signatureNamespace } from '../xml/signature.ts'
import { assertionLimits, isAssertion } from './assertion-document.ts'
import { protocolNamespace } from './names.ts'

/** What an identity provider sends to a browser (SAML core section 3.3.3). Nothing in it is believed here. */
export interface SamlResponse {
  /** Its one Assertion or EncryptedAssertion, as a document of its own. */
  readonly assertion: string
  /** Whether the Response has a Signature, which covers the assertion only as long as that stays in it. */
  readonly isSigned: boolean
}

/** An assertion and what may stand around it. */
const limits: XmlLimits = {
  ...assertionLimits,
  characters: 2 * assertionLimits.characters,
  depth: assertionLimits.depth + 1,
}

/**
 * The Response in `text`; undefined when it is another document.
 *
 * @throws FormatError when it is not XML, or a Response without just one assertion
 */
export const responseIn = (text: string): SamlResponse | undefined => {
  const root = parseXml(text, limits)
  if (!isNamed(root, protocolNamespace, 'Response')) return undefined
  const isSigned = elementsIn(root).some((child) => isNamed(child, signatureNamespace, 'Signature'))
  return { assertion: takenOut(soleAssertionIn(root), root), isSigned }
}

/**
 * The one assertion of a Response as a document of its own, a form in which its signature still holds.
 *
 * @throws FormatError
 */
export const assertionInResponse = (text: string): string => {
  const response = responseIn(text)
  if (response === undefined) throw new FormatError('the document is not a SAML Response')
  return response.assertion
}

/** A second one, wherever it stands, would be one that another reader takes. */
const soleAssertionIn = (root: XmlElement): XmlElement => {
  const [assertion, ...others] = everyElement(root).filter(isAssertion)
  if (assertion === undefined) throw new FormatError('the Response holds no Assertion')
  if (others.length > 0) throw new FormatError('there is more than one assertion')
  if (!root.children.includes(assertion)) throw new FormatError('the Assertion does not stand in the Response itself')
  return assertion
}

/**
 * Canonical, with every namespace that is in scope anywhere in it written out: a signature may cover those too that no
 * name makes use of (Exclusive XML Canonicalization section 3, PrefixList), and a text may mean them.
 */
const takenOut = (assertion: XmlElement, root: XmlElement): string => {
  const inside = everyElement(assertion).flatMap(({ declarations }) => declarations.map(({ prefix }) => prefix))
  const inclusivePrefixes = [...new Set([...scopeOf([], [root]).keys(), ...inside])]
  return canonicalText(assertion, { inclusivePrefixes, ancestors: [root] })
}
