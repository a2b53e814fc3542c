import { createPublicKey } from 'node:crypto'
import { type EncryptOptions, encrypt } from 'xml-encryption'
import type { TestCertificate } from './certificates.ts'
import { namespaces } from './saml-names.ts'
import { changed } from './saml-text.ts'

/** Encrypted elements (XML Encryption 1.1) as xml-encryption makes them. */

const contents = {
  'aes128-gcm': 'http://www.w3.org/2009/xmlenc11#aes128-gcm',
  'aes256-gcm': 'http://www.w3.org/2009/xmlenc11#aes256-gcm',
  'aes128-cbc': 'http://www.w3.org/2001/04/xmlenc#aes128-cbc',
  'aes256-cbc': 'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
  'tripledes-cbc': 'http://www.w3.org/2001/04/xmlenc#tripledes-cbc',
} as const

const keys = {
  /** OAEP with MGF1 over SHA-1. */
  'rsa-oaep-mgf1p': 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
  /** OAEP that says its mask generation function. */
  'rsa-oaep': 'http://www.w3.org/2009/xmlenc11#rsa-oaep',
  'rsa-1_5': 'http://www.w3.org/2001/04/xmlenc#rsa-1_5',
} as const

export interface EncryptionOptions {
  readonly content?: keyof typeof contents
  readonly key?: keyof typeof keys
  readonly digest?: 'sha1' | 'sha256' | 'sha512'
  /** For rsa-oaep. */
  readonly mask?: 'sha1' | 'sha256' | 'sha512'
}

/** xml-encryption knows more than its types say. */
type AllOptions = Omit<EncryptOptions, 'keyEncryptionAlgorithm'> & {
  readonly keyEncryptionAlgorithm: string
  readonly keyEncryptionDigest: string
  readonly keyEncryptionMgf?: string
}

/** An xenc:EncryptedData that holds `xml`, its key inside, for whoever has the key of `certificate`. */
export const encryptedData = async (
  xml: string,
  certificate: TestCertificate,
  options: EncryptionOptions = {},
): Promise<string> => {
  const { content = 'aes256-gcm', key = 'rsa-oaep-mgf1p', digest = 'sha1', mask } = options
  const spki = createPublicKey(certificate.key.privateKey).export({ type: 'spki', format: 'pem' })
  const all: AllOptions = {
    rsa_pub: spki.toString(),
    pem: certificate.pem,
    encryptionAlgorithm: contents[content],
    keyEncryptionAlgorithm: keys[key],
    keyEncryptionDigest: digest,
    ...(mask === undefined ? {} : { keyEncryptionMgf: mask }),
    disallowEncryptionWithInsecureAlgorithm: false,
    warnInsecureAlgorithm: false,
  }
  return new Promise((resolve, reject) => {
    encrypt(xml, all as EncryptOptions, (error: Error | null, result) =>
      error === null ? resolve(result.trim()) : reject(error),
    )
  })
}

/** An xmlns:saml declaration and the name of a SAML element around an EncryptedData (SAML core 2.3.4, 2.2.4). */
const wrapped = (name: string, data: string): string =>
  `<saml:${name} xmlns:saml="${namespaces.saml}">${data}</saml:${name}>`

/** A saml:EncryptedAssertion. Sign first: the signature is inside. */
export const encryptAssertion = async (
  xml: string,
  certificate: TestCertificate,
  options: EncryptionOptions = {},
): Promise<string> => wrapped('EncryptedAssertion', await encryptedData(xml, certificate, options))

/** A saml:EncryptedID that holds a saml:NameID, to stand in a Subject. */
export const encryptId = async (
  nameId: string,
  certificate: TestCertificate,
  options: EncryptionOptions = {},
): Promise<string> => wrapped('EncryptedID', await encryptedData(nameId, certificate, options))

/** The same with its EncryptedKey beside the EncryptedData rather than inside (SAML core 2.2.4). */
export const withKeyBeside = (encrypted: string): string => {
  const info = /<KeyInfo xmlns="[^"]*">\s*(<e:EncryptedKey[\s\S]*<\/e:EncryptedKey>)\s*<\/KeyInfo>/.exec(encrypted)
  if (info?.[1] === undefined) throw new Error('no EncryptedKey')
  const key = info[1].replace('<KeyInfo>', `<KeyInfo xmlns="${namespaces.ds}">`)
  const apart = key.replace(/<DigestMethod/g, `<DigestMethod xmlns="${namespaces.ds}"`)
  return changed(changed(encrypted, info[0], ''), '</xenc:EncryptedData>', `</xenc:EncryptedData>${apart}`)
}
