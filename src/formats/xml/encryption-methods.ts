import type { OaepHash } from '../../ports/decryption.ts'
import { FormatError } from '../format-error.ts'
import type { XmlElement } from './document.ts'
import { algorithmIn, assertEmpty, elementsIn, isNamed } from './reading.ts'
import { AlgorithmError, signatureNamespace } from './signature.ts'

/** The algorithms that an EncryptionMethod may name here (XML Encryption 1.1 section 5). */

export const encryptionNamespace = 'http://www.w3.org/2001/04/xmlenc#'
const encryption11Namespace = 'http://www.w3.org/2009/xmlenc11#'

export interface ContentMethod {
  readonly algorithm: 'aes128-gcm' | 'aes192-gcm' | 'aes256-gcm'
  /** In octets: what the algorithm takes and nothing else. */
  readonly keyLength: number
}

const contentMethods: ReadonlyMap<string, ContentMethod> = new Map([
  [`${encryption11Namespace}aes128-gcm`, { algorithm: 'aes128-gcm', keyLength: 16 }],
  [`${encryption11Namespace}aes192-gcm`, { algorithm: 'aes192-gcm', keyLength: 24 }],
  [`${encryption11Namespace}aes256-gcm`, { algorithm: 'aes256-gcm', keyLength: 32 }],
])

/** How content is encrypted (section 5.2.4). CBC can be read by whoever may ask often enough. @throws AlgorithmError, FormatError */
export const contentMethodIn = (method: XmlElement): ContentMethod => {
  const uri = algorithmIn(method)
  const known = contentMethods.get(uri)
  if (known === undefined) throw refusal('the content', uri, 'AES-GCM')
  assertEmpty(method)
  return known
}

/** What senders still use: the operator must read what to change. */
const refused: ReadonlyMap<string, string> = new Map(
  [
    'tripledes-cbc',
    'aes128-cbc',
    'aes192-cbc',
    'aes256-cbc',
    'rsa-1_5',
    'kw-tripledes',
    'kw-aes128',
    'kw-aes192',
    'kw-aes256',
  ].map((name) => [`${encryptionNamespace}${name}`, name]),
)

const refusal = (what: string, uri: string, wanted: string): AlgorithmError =>
  new AlgorithmError(
    `${what} is encrypted with ${refused.get(uri) ?? 'an algorithm that is not known here'}: it must be ${wanted}`,
  )

const rsaOaepMgf1p = `${encryptionNamespace}rsa-oaep-mgf1p`
const rsaOaep = `${encryption11Namespace}rsa-oaep`

const labelHashes: ReadonlyMap<string, OaepHash> = new Map([
  ['http://www.w3.org/2000/09/xmldsig#sha1', 'SHA-1'],
  [`${encryptionNamespace}sha256`, 'SHA-256'],
  ['http://www.w3.org/2001/04/xmldsig-more#sha384', 'SHA-384'],
  [`${encryptionNamespace}sha512`, 'SHA-512'],
])

const maskHashes: ReadonlyMap<string, OaepHash> = new Map([
  [`${encryption11Namespace}mgf1sha1`, 'SHA-1'],
  [`${encryption11Namespace}mgf1sha256`, 'SHA-256'],
  [`${encryption11Namespace}mgf1sha384`, 'SHA-384'],
  [`${encryption11Namespace}mgf1sha512`, 'SHA-512'],
])

/**
 * The one hash of RSA-OAEP (section 5.5.2), by which the content key must be encrypted. Where none is said it is SHA-1;
 * in the mask of rsa-oaep-mgf1p it always is. Platforms take one hash for both label and mask.
 *
 * @throws AlgorithmError, FormatError
 */
export const oaepHashIn = (method: XmlElement): OaepHash => {
  const uri = algorithmIn(method)
  if (uri !== rsaOaepMgf1p && uri !== rsaOaep) throw refusal('the content key', uri, 'RSA-OAEP')
  const { label, mask } = oaepHashesIn(method)
  if (uri === rsaOaepMgf1p && mask !== 'SHA-1')
    throw new AlgorithmError('rsa-oaep-mgf1p names a mask that it cannot have')
  if (label !== mask)
    throw new AlgorithmError(
      `RSA-OAEP has ${label} as its digest and ${mask} in its mask: they must be the same, ` +
        'as in rsa-oaep with sha256 and mgf1sha256, or in rsa-oaep-mgf1p with sha1',
    )
  return label
}

/** OAEPparams, the label, can only be empty: SAML has no use for one. */
const oaepHashesIn = (method: XmlElement): { readonly label: OaepHash; readonly mask: OaepHash } => {
  const elements = elementsIn(method)
  const params = soleOf(elements, encryptionNamespace, 'OAEPparams')
  const digest = soleOf(elements, signatureNamespace, 'DigestMethod')
  const mask = soleOf(elements, encryption11Namespace, 'MGF')
  if (elements.some((element) => ![params, digest, mask].includes(element)))
    throw new FormatError('EncryptionMethod holds an element that it must not have')
  if (params !== undefined) assertEmpty(params)
  return { label: hashIn(digest, labelHashes), mask: hashIn(mask, maskHashes) }
}

const soleOf = (elements: readonly XmlElement[], namespace: string, local: string): XmlElement | undefined => {
  const [first, ...others] = elements.filter((element) => isNamed(element, namespace, local))
  if (others.length > 0) throw new FormatError(`EncryptionMethod has more than one ${local}`)
  return first
}

const hashIn = (method: XmlElement | undefined, hashes: ReadonlyMap<string, OaepHash>): OaepHash => {
  if (method === undefined) return 'SHA-1'
  const hash = hashes.get(algorithmIn(method))
  if (hash === undefined) throw new AlgorithmError(`the ${method.local} of RSA-OAEP is not one that is accepted`)
  assertEmpty(method)
  return hash
}
