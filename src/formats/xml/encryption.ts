import type { OaepHash } from '../../ports/decryption.ts'
import { FormatError } from '../format-error.ts'
import type { NamespaceDeclaration, XmlElement } from './document.ts'
import { type ContentMethod, contentMethodIn, encryptionNamespace, oaepHashIn } from './encryption-methods.ts'
import { scopeOf } from './exclusive-c14n.ts'
import {
  assertAttributes,
  assertEmpty,
  attributeIn,
  base64In,
  elementsIn,
  isNamed,
  requiredAttributeIn,
  type Sequence,
  sequenceIn,
  textIn,
} from './reading.ts'
import { AlgorithmError, signatureNamespace } from './signature.ts'

/** What an encrypted element says, taken apart. Whether one of our keys opens it is for decryption.ts to show. */
export interface EncryptedElement extends ContentMethod {
  /** 12 octets. */
  readonly iv: Uint8Array
  /** The ciphertext and its tag of 16 octets. */
  readonly sealed: Uint8Array
  /** One to four, each of which may be the key for us. */
  readonly wrappedKeys: readonly WrappedKey[]
  /** The namespaces in whose scope the plaintext stands: what `parseXml` is to inherit. */
  readonly scope: readonly NamespaceDeclaration[]
}

export interface WrappedKey {
  /** Of RSA-OAEP, for the label and for the mask. */
  readonly hash: OaepHash
  /** 256 to 512 octets. */
  readonly value: Uint8Array
}

/** Where an encrypted element stands. */
export interface EncryptedPlace {
  /** The elements around it, outermost first. */
  readonly ancestors?: readonly XmlElement[]
  /** The namespaces in whose scope the outermost of them stood. */
  readonly inherited?: readonly NamespaceDeclaration[]
}

/**
 * Takes apart `wrapper`, a saml:EncryptedAssertion, saml:EncryptedID or saml:EncryptedAttribute: an EncryptedData whose
 * EncryptedKeys stand in its KeyInfo or beside it (SAML core sections 2.2.4 and 6). Content is encrypted with AES-GCM,
 * keys with RSA-OAEP (XML Encryption 1.1 sections 5.2.4 and 5.5.2): all else can be made an oracle. Nothing is fetched,
 * and which key is for whom is not the message's to say: Recipient, KeyName and certificates are not looked at.
 *
 * @throws AlgorithmError, FormatError
 */
export const encryptedElementIn = (wrapper: XmlElement, around: EncryptedPlace = {}): EncryptedElement => {
  assertAttributes(wrapper, [])
  const parts = sequenceIn(wrapper, encryptionNamespace)
  const data = parts.one('EncryptedData')
  const beside = parts.all('EncryptedKey')
  parts.end()
  const { within, ...content } = contentIn(data, beside)
  const keys = [...within, ...beside]
  if (keys.length === 0) throw new FormatError('EncryptedData has no EncryptedKey')
  if (keys.length > mostWrappedKeys) throw new FormatError('there are too many EncryptedKeys')
  const id = attributeIn(data, 'Id')
  const { ancestors = [], inherited = [] } = around
  return {
    ...content,
    wrappedKeys: keys.map((key) => wrappedKeyIn(key, id)),
    scope: [...scopeOf(inherited, [...ancestors, wrapper])]
      .map(([prefix, namespace]) => ({ prefix, namespace }))
      .filter(({ namespace }) => namespace !== ''),
  }
}

const mostWrappedKeys = 4

type EncryptedContent = Omit<EncryptedElement, 'wrappedKeys' | 'scope'>

/** An EncryptedData (XML Encryption 1.1 section 3.4), and the EncryptedKeys within it. */
const contentIn = (
  data: XmlElement,
  beside: readonly XmlElement[],
): EncryptedContent & { readonly within: readonly XmlElement[] } => {
  assertAttributes(data, ['Id', 'Type', 'MimeType'])
  if (![undefined, `${encryptionNamespace}Element`].includes(attributeIn(data, 'Type')))
    throw new FormatError('EncryptedData is not of the type Element')
  const parts = sequenceIn(data, encryptionNamespace)
  const method = contentMethodIn(parts.one('EncryptionMethod'))
  const within = encryptedKeysIn(parts.optional('KeyInfo', signatureNamespace), beside)
  const octets = cipherValueIn(parts)
  parts.end()
  if (octets.length < ivLength + tagLength) throw new FormatError('the ciphertext is too short')
  return {
    ...method,
    iv: octets.subarray(0, ivLength),
    sealed: octets.subarray(ivLength),
    within,
  }
}

/** XML Encryption 1.1 section 5.2.4: what comes first, and what comes last. */
const ivLength = 12
const tagLength = 16

/**
 * The EncryptedKeys in a KeyInfo. A RetrievalMethod may say that a key stands `beside` the EncryptedData, and nothing
 * may point elsewhere. What else there is only names keys.
 */
const encryptedKeysIn = (keyInfo: XmlElement | undefined, beside: readonly XmlElement[]): readonly XmlElement[] => {
  if (keyInfo === undefined) return []
  assertAttributes(keyInfo, ['Id'])
  const elements = elementsIn(keyInfo)
  for (const element of elements) {
    if (isNamed(element, signatureNamespace, 'RetrievalMethod')) assertRetrieved(element, beside)
    else assertNoOtherKey(element)
  }
  return elements.filter((element) => isNamed(element, encryptionNamespace, 'EncryptedKey'))
}

const typeOfKey = `${encryptionNamespace}EncryptedKey`

/** XML Encryption 1.1 section 3.5.3: a reference within the document, without transforms. */
const assertRetrieved = (method: XmlElement, beside: readonly XmlElement[]): void => {
  assertAttributes(method, ['URI', 'Type'])
  assertEmpty(method)
  if (![undefined, typeOfKey].includes(attributeIn(method, 'Type')))
    throw new FormatError('RetrievalMethod is not for an EncryptedKey')
  const uri = requiredAttributeIn(method, 'URI')
  const named = beside.map((key) => attributeIn(key, 'Id')).filter((id) => id !== undefined && uri === `#${id}`)
  if (named.length !== 1)
    throw new FormatError('RetrievalMethod does not name an EncryptedKey beside the EncryptedData')
}

const assertNoOtherKey = ({ local }: XmlElement): void => {
  if (['AgreementMethod', 'DerivedKey'].includes(local))
    throw new AlgorithmError('the content key is agreed on or derived, not encrypted with RSA-OAEP')
  if (['RetrievalMethod', 'KeyInfoReference'].includes(local))
    throw new FormatError('KeyInfo points to a key elsewhere')
}

/** An EncryptedKey (XML Encryption 1.1 section 3.5.1) for the EncryptedData that has this `id`. */
const wrappedKeyIn = (key: XmlElement, id: string | undefined): WrappedKey => {
  assertAttributes(key, ['Id', 'Type', 'Recipient'])
  if (![undefined, typeOfKey].includes(attributeIn(key, 'Type')))
    throw new FormatError('EncryptedKey is not of the type EncryptedKey')
  const parts = sequenceIn(key, encryptionNamespace)
  const hash = oaepHashIn(parts.one('EncryptionMethod'))
  assertNoKeyWithin(parts.optional('KeyInfo', signatureNamespace))
  const value = cipherValueIn(parts)
  assertReferences(parts.optional('ReferenceList'), id)
  const name = parts.optional('CarriedKeyName')
  if (name !== undefined) textIn(name)
  parts.end()
  if (value.length < fewestKeyOctets || value.length > mostKeyOctets)
    throw new FormatError('the encrypted key is not as long as an RSA key of 2048 to 4096 bits')
  return { hash, value }
}

const fewestKeyOctets = 2_048 / 8
const mostKeyOctets = 4_096 / 8

/** The key that encrypted a key is one of ours: it is not in the message. */
const assertNoKeyWithin = (keyInfo: XmlElement | undefined): void => {
  if (keyInfo !== undefined && encryptedKeysIn(keyInfo, []).length > 0)
    throw new FormatError('EncryptedKey is encrypted with another EncryptedKey')
}

/** XML Encryption 1.1 section 3.6: what a key is for must be the EncryptedData that it came with. */
const assertReferences = (list: XmlElement | undefined, id: string | undefined): void => {
  if (list === undefined) return
  assertAttributes(list, [])
  const parts = sequenceIn(list, encryptionNamespace)
  for (const reference of [parts.one('DataReference'), ...parts.all('DataReference')]) {
    assertAttributes(reference, ['URI'])
    assertEmpty(reference)
    if (id === undefined || attributeIn(reference, 'URI') !== `#${id}`)
      throw new FormatError('EncryptedKey is for other data')
  }
  parts.end()
}

/** CipherData with its CipherValue; a CipherReference would have us fetch (XML Encryption 1.1 section 3.3). */
const cipherValueIn = (parts: Sequence): Uint8Array => {
  const data = parts.one('CipherData')
  assertAttributes(data, [])
  const inner = sequenceIn(data, encryptionNamespace)
  const value = base64In(inner.one('CipherValue'), [])
  inner.end()
  return value
}
