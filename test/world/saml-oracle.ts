import { constants, createHash, type KeyLike, verify } from 'node:crypto'
import { SignedXml } from 'xml-crypto'
import { digestMethods, signatureMethods } from './saml-names.ts'

/** What xml-crypto says about a signature: somebody else's word, to hold ours against. */

const schemeOf = (name: string): object => {
  if (name.startsWith('ecdsa')) return { dsaEncoding: 'ieee-p1363' }
  return name.startsWith('rsa-pss') ? { padding: constants.RSA_PKCS1_PSS_PADDING } : {}
}

/** xml-crypto has no ECDSA and only some of RSA, but takes what it is given. */
const algorithmOf = (name: string, uri: string) =>
  class {
    getAlgorithmName = () => uri
    getSignature = (): string => {
      throw new Error('only for verification')
    }
    verifySignature = (material: string, key: KeyLike, value: string): boolean => {
      const hash = name.slice(name.lastIndexOf('-') + 1)
      const scheme = { key, ...schemeOf(name) } as Parameters<typeof verify>[2]
      return verify(hash, Buffer.from(material), scheme, Buffer.from(value, 'base64'))
    }
  }

const hashOf = (name: string, uri: string) =>
  class {
    getAlgorithmName = () => uri
    getHash = (text: string) => createHash(name).update(text).digest('base64')
  }

/**
 * What is signed under the key of a certificate by the one Signature in `xml`, as its canonical text.
 *
 * @throws Error when the signature does not hold
 */
export const signedReferences = (xml: string, certificatePem: string): readonly string[] => {
  const checker = new SignedXml({ publicCert: certificatePem, getCertFromKeyInfo: () => null })
  for (const [name, uri] of Object.entries(signatureMethods))
    if (!name.startsWith('hmac')) checker.SignatureAlgorithms[uri] = algorithmOf(name, uri)
  for (const [name, uri] of Object.entries(digestMethods)) checker.HashAlgorithms[uri] = hashOf(name, uri)
  const signature = /<(\w+:)?Signature\s[\s\S]*<\/\1Signature>/.exec(xml)?.[0]
  if (signature === undefined) throw new Error('no signature')
  checker.loadSignature(signature)
  if (!checker.checkSignature(xml)) throw new Error('the signature does not hold')
  return checker.getSignedReferences()
}
