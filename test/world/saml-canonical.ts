import { SignedXml } from 'xml-crypto'
import { transforms } from './saml-names.ts'

/** Canonical XML as xml-crypto makes it. */

const keep = 'urn:test:keep'

/** What an XPath expression selects, as exclusive canonicalization (or another of its algorithms) writes it. */
export interface CanonicalOptions {
  readonly algorithm?: string
  /** The InclusiveNamespaces PrefixList. */
  readonly prefixes?: readonly string[]
}

/** The canonical octets of the one element that `xpath` selects, without any comments. */
export const canonicalText = (xml: string, xpath: string, options: CanonicalOptions = {}): string => {
  let canonical: string | undefined
  const signer = new SignedXml({
    privateKey: keep,
    signatureAlgorithm: keep,
    canonicalizationAlgorithm: transforms.exclusive,
  })
  // A hash that keeps what it is given, and a signature that is none.
  signer.HashAlgorithms[keep] = class {
    getAlgorithmName = () => keep
    getHash = (text: string) => {
      canonical = text
      return ''
    }
  }
  signer.SignatureAlgorithms[keep] = class {
    getAlgorithmName = () => keep
    getSignature = () => ''
    verifySignature = () => false
  }
  signer.addReference({
    xpath,
    transforms: [options.algorithm ?? transforms.exclusive],
    digestAlgorithm: keep,
    isEmptyUri: true,
    inclusiveNamespacesPrefixList: [...(options.prefixes ?? [])],
  })
  signer.computeSignature(xml, { prefix: 'kept' })
  if (canonical === undefined) throw new Error(`nothing is at ${xpath}`)
  return canonical
}
