import { constants, createCipheriv, type KeyObject, publicEncrypt, randomBytes } from 'node:crypto'
import type { OaepHash } from '../../src/ports/decryption.ts'
import { digestMethods, namespaces } from './saml-names.ts'

/** Encrypted elements (XML Encryption 1.1) by OpenSSL, in every form that senders write. */

export const xenc11 = 'http://www.w3.org/2009/xmlenc11#'

const hashNames = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' } as const

export interface SealOptions {
  /** The bits of the key. */
  readonly content?: 128 | 192 | 256
  readonly hash?: OaepHash
  /** In place of the URI that `content` has. */
  readonly contentUri?: string
  /** In place of 12 octets that nobody knows. */
  readonly iv?: Uint8Array
  readonly contentKey?: Uint8Array
  /** Of RSA-OAEP; SAML has none. */
  readonly label?: string
}

/** Where EncryptedKeys stand. */
export type Placing = 'within' | 'beside' | 'retrieved'

/** An element saml:EncryptedAssertion that holds `plain` for each of `recipients`. */
export const sealedElement = (
  plain: string | Uint8Array,
  recipients: readonly KeyObject[],
  placing: Placing = 'within',
  options: SealOptions = {},
): string => {
  const { content = 256 } = options
  const contentKey = options.contentKey ?? randomBytes(content / 8)
  const keys = recipients.map((recipient, index) => encryptedKey(contentKey, recipient, `k${index}`, options)).join('')
  const retrieval = `<ds:RetrievalMethod Type="${namespaces.xenc}EncryptedKey" URI="#k0"/>`
  const info = { within: keyInfo(keys), beside: '', retrieved: keyInfo(retrieval) }[placing]
  const uri = options.contentUri ?? `${xenc11}aes${content}-gcm`
  const data =
    `<xenc:EncryptedData Id="d" Type="${namespaces.xenc}Element"><xenc:EncryptionMethod Algorithm="${uri}"/>` +
    `${info}${cipherData(sealed(plain, contentKey, options.iv))}</xenc:EncryptedData>`
  return (
    `<saml:EncryptedAssertion xmlns:saml="${namespaces.saml}" xmlns:xenc="${namespaces.xenc}" ` +
    `xmlns:ds="${namespaces.ds}">${data}${placing === 'within' ? '' : keys}</saml:EncryptedAssertion>`
  )
}

const keyInfo = (inside: string): string => `<ds:KeyInfo>${inside}</ds:KeyInfo>`

export const cipherData = (octets: Uint8Array): string =>
  `<xenc:CipherData><xenc:CipherValue>${Buffer.from(octets).toString('base64')}</xenc:CipherValue></xenc:CipherData>`

/** The IV, the ciphertext and the tag (XML Encryption 1.1 section 5.2.4). */
export const sealed = (
  plain: string | Uint8Array,
  contentKey: Uint8Array,
  iv: Uint8Array = randomBytes(12),
): Uint8Array => {
  const names = { 16: 'aes-128-gcm', 24: 'aes-192-gcm', 32: 'aes-256-gcm' } as const
  const name = names[contentKey.length as keyof typeof names]
  const cipher = createCipheriv(name, contentKey, iv)
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** `contentKey` by RSA-OAEP, label and mask with one hash. */
export const wrappedFor = (recipient: KeyObject, hash: OaepHash, contentKey: Uint8Array, label?: string): Uint8Array =>
  publicEncrypt(
    {
      key: recipient,
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: hashNames[hash],
      ...(label === undefined ? {} : { oaepLabel: Buffer.from(label) }),
    },
    contentKey,
  )

const encryptedKey = (contentKey: Uint8Array, recipient: KeyObject, id: string, options: SealOptions): string => {
  const { hash = 'SHA-256', label } = options
  return (
    `<xenc:EncryptedKey Id="${id}" Recipient="https://sp.example.com">${keyMethod(hash)}` +
    cipherData(wrappedFor(recipient, hash, contentKey, label)) +
    '<xenc:ReferenceList><xenc:DataReference URI="#d"/></xenc:ReferenceList></xenc:EncryptedKey>'
  )
}

const keyMethod = (hash: OaepHash): string => {
  const name = hashNames[hash]
  const digest = `<ds:DigestMethod Algorithm="${digestMethods[name]}"/>`
  return hash === 'SHA-1'
    ? `<xenc:EncryptionMethod Algorithm="${namespaces.xenc}rsa-oaep-mgf1p">${digest}</xenc:EncryptionMethod>`
    : `<xenc:EncryptionMethod Algorithm="${xenc11}rsa-oaep">${digest}` +
        `<xenc11:MGF xmlns:xenc11="${xenc11}" Algorithm="${xenc11}mgf1${name}"/></xenc:EncryptionMethod>`
}
