import { FormatError } from '../format-error.ts'
import { type NamespaceDeclaration, parseXml, type XmlElement, type XmlLimits } from '../xml/document.ts'
import { type EncryptedElement, encryptedElementIn } from '../xml/encryption.ts'
import { everyElement, isNamed } from '../xml/reading.ts'
import { type EnvelopedSignature, envelopedSignatureIn, signatureNamespace } from '../xml/signature.ts'
import { type Assertion, assertionIn } from './assertion.ts'
import { assertionNamespace, protocolNamespace } from './names.ts'

/** A signed assertion taken apart. Nothing in it is believed before its signature holds. */
export interface SignedAssertion {
  readonly signature: EnvelopedSignature
  /** Read from the signature's `content`, never from the document that carried it. */
  readonly assertion: Assertion
}

/** An assertion that nobody has signed: anybody could have made it. */
export class UnsignedError extends FormatError {
  constructor() {
    super('the assertion is not signed')
    this.name = 'UnsignedError'
  }
}

/** An assertion with every group of a large directory fits; what is larger only costs time. */
export const assertionLimits: XmlLimits = { characters: 131_072, depth: 32, elements: 8_192, attributes: 32 }

/** An assertion that is encrypted to us as a whole (SAML core section 2.3.4). */
export interface SealedAssertion {
  readonly sealed: EncryptedElement
}

/**
 * Takes the text of one assertion apart. The document may hold one Assertion, which is its root, and one Signature,
 * which is that Assertion's own; wherever a second of them could hide, it is refused. What is returned is read from the
 * canonical text that the signature's digest covers, parsed again, so that nothing but what was signed is ever seen.
 *
 * @param inherited the namespaces in whose scope the text stood, where it was cut out of another document
 * @throws UnsignedError, AlgorithmError, FormatError
 */
export const readAssertion = (
  text: string,
  inherited: readonly NamespaceDeclaration[] = [],
): SignedAssertion | SealedAssertion => {
  const root = parseXml(text, assertionLimits, inherited)
  if (isNamed(root, assertionNamespace, 'EncryptedAssertion'))
    return { sealed: encryptedElementIn(root, { inherited }) }
  assertShape(root)
  const signature = envelopedSignatureIn(root, { inherited, longest: assertionLimits.characters })
  if (signature === undefined) throw new UnsignedError()
  return { signature, assertion: assertionIn(parseXml(signature.content, assertionLimits)) }
}

const assertShape = (root: XmlElement): void => {
  if (isNamed(root, protocolNamespace, 'Response'))
    throw new FormatError('this is a Response: present the Assertion in it alone')
  if (!isNamed(root, assertionNamespace, 'Assertion'))
    throw new FormatError('the root element is not a SAML 2.0 Assertion')
  const ids = new Set<string>()
  let signatures = 0
  for (const element of everyElement(root)) {
    if (element !== root && isAssertion(element)) throw new FormatError('there is more than one assertion')
    if (isNamed(element, signatureNamespace, 'Signature') && ++signatures > 1)
      throw new FormatError('there is more than one Signature')
    for (const { namespace, local, value } of element.attributes) {
      if (local.toLowerCase() !== 'id') continue
      if (element === root && (namespace !== '' || local !== 'ID'))
        throw new FormatError('the assertion has an ID by another name')
      if (ids.has(value)) throw new FormatError('an ID is there twice')
      ids.add(value)
    }
  }
}

export const isAssertion = (element: XmlElement): boolean =>
  isNamed(element, assertionNamespace, 'Assertion') || isNamed(element, assertionNamespace, 'EncryptedAssertion')
