import type { HashAlgorithm } from '../../ports/digest.ts'
import { FormatError } from '../format-error.ts'
import type { SignatureScheme } from '../x509/algorithm.ts'
import type { NamespaceDeclaration, XmlElement } from './document.ts'
import { canonicalText } from './exclusive-c14n.ts'
import {
  algorithmIn,
  assertAttributes,
  assertEmpty,
  attributeIn,
  base64In,
  elementsIn,
  isNamed,
  requiredAttributeIn,
  sequenceIn,
} from './reading.ts'

export const signatureNamespace = 'http://www.w3.org/2000/09/xmldsig#'
export const exclusiveC14n = 'http://www.w3.org/2001/10/xml-exc-c14n#'
const envelopedSignature = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'

/** Something is signed or encrypted with an algorithm that is not accepted here. */
export class AlgorithmError extends FormatError {
  constructor(message: string) {
    super(message)
    this.name = 'AlgorithmError'
  }
}

type SchemeOfXml = Extract<SignatureScheme, { readonly family: 'rsa-pkcs1' | 'ecdsa' | 'rsa-pss' }>

const rsa = (hash: HashAlgorithm): SchemeOfXml => ({ family: 'rsa-pkcs1', hash })
const ecdsa = (hash: HashAlgorithm): SchemeOfXml => ({ family: 'ecdsa', hash })
/** RFC 9231 section 2.3.10: the mask's hash is the same, the salt as long as the hash. */
const pss = (hash: HashAlgorithm, saltLength: number): SchemeOfXml => ({ family: 'rsa-pss', hash, saltLength })

/** The signature algorithms that can be accepted, by the last word of their URI (RFC 9231). No SHA-1, no HMAC, no DSA. */
export const xmlSignatureAlgorithms = [
  'rsa-sha256',
  'rsa-sha384',
  'rsa-sha512',
  'ecdsa-sha256',
  'ecdsa-sha384',
  'ecdsa-sha512',
  'rsa-pss-sha256',
  'rsa-pss-sha384',
  'rsa-pss-sha512',
] as const

export type XmlSignatureAlgorithm = (typeof xmlSignatureAlgorithms)[number]

const more2001 = 'http://www.w3.org/2001/04/xmldsig-more#'
const more2007 = 'http://www.w3.org/2007/05/xmldsig-more#'

const signatureMethods: ReadonlyMap<string, readonly [XmlSignatureAlgorithm, SchemeOfXml]> = new Map([
  [`${more2001}rsa-sha256`, ['rsa-sha256', rsa('SHA-256')]],
  [`${more2001}rsa-sha384`, ['rsa-sha384', rsa('SHA-384')]],
  [`${more2001}rsa-sha512`, ['rsa-sha512', rsa('SHA-512')]],
  [`${more2001}ecdsa-sha256`, ['ecdsa-sha256', ecdsa('SHA-256')]],
  [`${more2001}ecdsa-sha384`, ['ecdsa-sha384', ecdsa('SHA-384')]],
  [`${more2001}ecdsa-sha512`, ['ecdsa-sha512', ecdsa('SHA-512')]],
  [`${more2007}sha256-rsa-MGF1`, ['rsa-pss-sha256', pss('SHA-256', 32)]],
  [`${more2007}sha384-rsa-MGF1`, ['rsa-pss-sha384', pss('SHA-384', 48)]],
  [`${more2007}sha512-rsa-MGF1`, ['rsa-pss-sha512', pss('SHA-512', 64)]],
])

const digestMethods: ReadonlyMap<string, HashAlgorithm> = new Map([
  ['http://www.w3.org/2001/04/xmlenc#sha256', 'SHA-256'],
  [`${more2001}sha384`, 'SHA-384'],
  ['http://www.w3.org/2001/04/xmlenc#sha512', 'SHA-512'],
])

/** What an enveloped signature says, taken apart. Whether it holds is for signature-check.ts to show. */
export interface EnvelopedSignature {
  readonly algorithm: XmlSignatureAlgorithm
  readonly scheme: SchemeOfXml
  /** The canonical form of SignedInfo: what the key has signed. */
  readonly signedInfo: string
  readonly value: Uint8Array
  readonly digest: HashAlgorithm
  readonly digestValue: Uint8Array
  /**
   * The canonical form of the signed element without its signature: what the digest covers, and the only text that may
   * be read once the signature holds.
   */
  readonly content: string
}

/** Where a signed element stands, and what is made of it. */
export interface SignedPlace {
  /** The namespaces in whose scope it stood. */
  readonly inherited?: readonly NamespaceDeclaration[]
  /** The most characters that its canonical form may have. */
  readonly longest?: number
}

/**
 * The signature that `root` carries over itself, undefined when it carries none. It must be the form that SAML core
 * section 5.4 profiles and no other: one Reference to the ID of `root`, the transforms enveloped-signature and
 * exclusive canonicalization, no Object. KeyInfo is not looked at: which keys are believed is not the message's to say.
 *
 * @throws AlgorithmError, FormatError
 */
export const envelopedSignatureIn = (root: XmlElement, around: SignedPlace = {}): EnvelopedSignature | undefined => {
  const { inherited = [], longest = Number.POSITIVE_INFINITY } = around
  const [signature, ...others] = elementsIn(root).filter((child) => isNamed(child, signatureNamespace, 'Signature'))
  if (signature === undefined) return undefined
  if (others.length > 0) throw new FormatError('there is more than one Signature')
  assertAttributes(signature, ['Id'])
  const parts = sequenceIn(signature, signatureNamespace)
  const signedInfo = parts.one('SignedInfo')
  const value = base64In(parts.one('SignatureValue'), ['Id'])
  assertKeyInfo(parts.optional('KeyInfo'))
  parts.end()
  const { reference, inclusivePrefixes, ...method } = methodIn(signedInfo)
  const covered = referenceIn(reference, requiredAttributeIn(root, 'ID'))
  return {
    ...method,
    value,
    digest: covered.digest,
    digestValue: covered.digestValue,
    signedInfo: canonicalText(signedInfo, { inclusivePrefixes, ancestors: [root, signature], inherited, longest }),
    content: canonicalText(root, {
      inclusivePrefixes: covered.inclusivePrefixes,
      inherited,
      without: signature,
      longest,
    }),
  }
}

const methodIn = (signedInfo: XmlElement) => {
  assertAttributes(signedInfo, ['Id'])
  const parts = sequenceIn(signedInfo, signatureNamespace)
  const inclusivePrefixes = exclusiveC14nIn(parts.one('CanonicalizationMethod'))
  const [algorithm, scheme] = signatureMethodIn(parts.one('SignatureMethod'))
  const reference = parts.one('Reference')
  parts.end()
  return { algorithm, scheme, reference, inclusivePrefixes }
}

const signatureMethodIn = (method: XmlElement): readonly [XmlSignatureAlgorithm, SchemeOfXml] => {
  const known = signatureMethods.get(algorithmIn(method))
  if (known === undefined) throw new AlgorithmError('the signature algorithm is not one that is accepted')
  assertEmpty(method)
  return known
}

interface Covered {
  readonly digest: HashAlgorithm
  readonly digestValue: Uint8Array
  readonly inclusivePrefixes: readonly string[]
}

const referenceIn = (reference: XmlElement, id: string): Covered => {
  assertAttributes(reference, ['Id', 'URI', 'Type'])
  if (attributeIn(reference, 'URI') !== `#${id}`)
    throw new FormatError('the Reference is not to the element that is signed')
  const parts = sequenceIn(reference, signatureNamespace)
  const inclusivePrefixes = transformsIn(parts.one('Transforms'))
  const method = parts.one('DigestMethod')
  const digest = digestMethods.get(algorithmIn(method))
  if (digest === undefined) throw new AlgorithmError('the digest algorithm is not one that is accepted')
  assertEmpty(method)
  const digestValue = base64In(parts.one('DigestValue'), [])
  parts.end()
  return { digest, digestValue, inclusivePrefixes }
}

/** Exactly the two that SAML core section 5.4.4 allows, in the only order that makes sense. */
const transformsIn = (transforms: XmlElement): readonly string[] => {
  assertAttributes(transforms, [])
  const parts = sequenceIn(transforms, signatureNamespace)
  const enveloped = parts.one('Transform')
  if (algorithmIn(enveloped) !== envelopedSignature)
    throw new AlgorithmError('the first transform is not enveloped-signature')
  assertEmpty(enveloped)
  const inclusivePrefixes = exclusiveC14nIn(parts.one('Transform'))
  parts.end()
  return inclusivePrefixes
}

/** The PrefixList of InclusiveNamespaces, which may stand in a method or transform that is exclusive canonicalization. */
const exclusiveC14nIn = (method: XmlElement): readonly string[] => {
  if (algorithmIn(method) !== exclusiveC14n)
    throw new AlgorithmError('the canonicalization is not the exclusive one without comments')
  const parts = sequenceIn(method, exclusiveC14n)
  const inclusive = parts.optional('InclusiveNamespaces')
  parts.end()
  if (inclusive === undefined) return []
  assertAttributes(inclusive, ['PrefixList'])
  assertEmpty(inclusive)
  const prefixes = requiredAttributeIn(inclusive, 'PrefixList')
    .split(/[\t\n\r ]+/)
    .filter((prefix) => prefix !== '')
  if (prefixes.length > mostPrefixes) throw new FormatError('the PrefixList is too long')
  return prefixes
}

const mostPrefixes = 32

/** What it holds is ignored, but nothing in it may point elsewhere. */
const assertKeyInfo = (keyInfo: XmlElement | undefined): void => {
  const pointers = ['RetrievalMethod', 'KeyInfoReference']
  if (keyInfo !== undefined && elementsIn(keyInfo).some(({ local }) => pointers.includes(local)))
    throw new FormatError('KeyInfo points to a key elsewhere')
}
