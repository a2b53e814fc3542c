import { digestMethods, namespaces } from '../../world/saml-names.ts'

const xmlenc11 = 'http://www.w3.org/2009/xmlenc11#'

/** How an element is encrypted, in the words of XML Encryption 1.1. */
export interface EncryptionMethods {
  readonly content?: 'aes128-gcm' | 'aes192-gcm' | 'aes256-gcm' | 'aes256-cbc'
  readonly key?: 'rsa-oaep' | 'rsa-oaep-mgf1p' | 'rsa-1_5'
  /** Of RSA-OAEP; without it nothing is said, which means SHA-1. */
  readonly digest?: 'sha1' | 'sha256' | 'sha512'
  readonly mask?: 'sha1' | 'sha256' | 'sha512'
}

const contentUri = (content: string) => (content.endsWith('-gcm') ? xmlenc11 : namespaces.xenc) + content

const keyUri = (key: string) => (key === 'rsa-oaep' ? xmlenc11 : namespaces.xenc) + key

/** The length of the key for the content, in bits. */
export const contentKeyBits = ({ content = 'aes256-gcm' }: EncryptionMethods): number => Number(content.slice(3, 6))

/** An EncryptedData without values, which another implementation fills in. */
export const encryptionTemplate = (methods: EncryptionMethods = {}): string => {
  const { content = 'aes256-gcm', key = 'rsa-oaep-mgf1p', digest, mask } = methods
  const said = [
    ...(digest === undefined ? [] : [`<ds:DigestMethod Algorithm="${digestMethods[digest]}"/>`]),
    ...(mask === undefined ? [] : [`<e11:MGF xmlns:e11="${xmlenc11}" Algorithm="${xmlenc11}mgf1${mask}"/>`]),
  ]
  const values = '<xenc:CipherData><xenc:CipherValue></xenc:CipherValue></xenc:CipherData>'
  const wrapped = `<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="${keyUri(key)}">${said.join('')}</xenc:EncryptionMethod>${values}</xenc:EncryptedKey>`
  const method = `<xenc:EncryptionMethod Algorithm="${contentUri(content)}"/>`
  const keyInfo = `<ds:KeyInfo xmlns:ds="${namespaces.ds}">${wrapped}</ds:KeyInfo>`
  return `<xenc:EncryptedData xmlns:xenc="${namespaces.xenc}" Type="${namespaces.xenc}Element">${method}${keyInfo}${values}</xenc:EncryptedData>`
}
