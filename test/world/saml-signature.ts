import { constants, createHash, createHmac, type KeyObject, sign } from 'node:crypto'
import { canonicalText } from './saml-canonical.ts'
import {
  type DigestName,
  digestMethods,
  namespaces,
  type SignatureName,
  signatureMethods,
  transforms,
} from './saml-names.ts'
import { attributesText } from './saml-text.ts'

/** XML signatures (XMLDSig Core) over an element inside a document, right ones and every kind of wrong ones. */

/** A transform of a Reference: its algorithm alone, or with XML inside. */
export type TransformOptions = string | { readonly algorithm: string; readonly content: string }

export interface SigningOptions {
  readonly method?: SignatureName
  /** What SignatureMethod says in place of the name of `method`. */
  readonly methodSaid?: string
  readonly digest?: DigestName
  readonly digestSaid?: string
  /** A secret makes it an HMAC. */
  readonly key?: KeyObject | Uint8Array
  /** The ID of the element to sign. Absent: that of the root. */
  readonly target?: string
  /** The Reference's URI; null leaves it out. Absent: `#` and the ID of the target. */
  readonly uri?: string | null
  /** Absent: enveloped-signature and exclusive canonicalization. */
  readonly transforms?: readonly TransformOptions[]
  readonly canonicalization?: string
  /** An InclusiveNamespaces PrefixList for the content; it is honoured. */
  readonly prefixes?: readonly string[]
  /** The same for SignedInfo. */
  readonly infoPrefixes?: readonly string[]
  /** What the digest is taken of, in place of the canonical target. */
  readonly digested?: string
  /** A change to SignedInfo before it is signed: what the issuer itself signs. */
  readonly info?: (signedInfo: string) => string
  /** A change to the canonical SignedInfo: a signature over something else than stands there. */
  readonly signedOctets?: (canonical: string) => string
  /** XML inside KeyInfo; null: no KeyInfo. */
  readonly keyInfo?: string | null
  /** XML at the end of Signature. */
  readonly objects?: string
  /** The prefix of the signature's namespace; the empty one makes it the default namespace. */
  readonly prefix?: string
  /** Where the Signature goes. Absent: behind the first Issuer inside the target. */
  readonly after?: RegExp
  /** For a change to the Signature once it is made, before it is put into the document. */
  readonly signature?: (signature: string) => string
}

/** A signature and what it is made of. */
export const signed = (xml: string, options: SigningOptions): string => {
  const id = options.target ?? rootId(xml)
  const canonical = options.digested ?? canonicalText(xml, byId(id), prefixesOf(options.prefixes))
  const unsigned = signatureText(canonical, id, options)
  const place = placeOf(xml, id, options.after)
  const valued = withValue(put(xml, place, unsigned), unsigned, options)
  return put(xml, place, options.signature?.(valued) ?? valued)
}

const byId = (id: string) => `//*[@ID='${id}']`

const prefixesOf = (prefixes: readonly string[] | undefined) => (prefixes === undefined ? {} : { prefixes })

const put = (xml: string, at: number, what: string): string => xml.slice(0, at) + what + xml.slice(at)

const rootId = (xml: string): string => {
  const found = /^(?:<\?[^>]*\?>|<!--[\s\S]*?-->|\s)*<[^>]*?\sID=["']([^"']*)["']/.exec(xml)?.[1]
  if (found === undefined) throw new Error('the root has no ID')
  return found
}

/** The place in `xml` behind the first Issuer, or whatever else is looked for, in the element with this ID if there is one. */
const placeOf = (xml: string, id: string, after = /<(?:\w+:)?Issuer(?:\/>|[\s\S]*?<\/(?:\w+:)?Issuer\s*>)/): number => {
  const from = Math.max(0, xml.search(new RegExp(`\\sID=["']${id}["']`)))
  const found = after.exec(xml.slice(from))
  if (found === null) throw new Error('no place for a signature')
  return from + found.index + found[0].length
}

/** SignatureValue is written so until there is one. */
const noValue = 'SIGNATURE-VALUE'

const signatureText = (canonical: string, id: string, options: SigningOptions): string => {
  const { prefix = 'ds', keyInfo = null, objects = '' } = options
  const q = (name: string) => (prefix === '' ? name : `${prefix}:${name}`)
  const declaration = prefix === '' ? 'xmlns' : `xmlns:${prefix}`
  const info = signedInfoText(canonical, id, options, q)
  return [
    `<${q('Signature')} ${declaration}="${namespaces.ds}">`,
    options.info?.(info) ?? info,
    `<${q('SignatureValue')}>${noValue}</${q('SignatureValue')}>`,
    keyInfo === null ? '' : `<${q('KeyInfo')}>${keyInfo}</${q('KeyInfo')}>`,
    objects,
    `</${q('Signature')}>`,
  ].join('')
}

const signedInfoText = (
  canonical: string,
  id: string,
  options: SigningOptions,
  q: (name: string) => string,
): string => {
  const { method = 'rsa-sha256', digest = 'sha256', canonicalization = transforms.exclusive } = options
  const { methodSaid = signatureMethods[method], digestSaid = digestMethods[digest], uri = `#${id}` } = options
  const step = (each: TransformOptions): TransformOptions =>
    each === transforms.exclusive ? { algorithm: each, content: inclusiveNamespaces(options.prefixes) } : each
  const steps = (options.transforms ?? [transforms.enveloped, transforms.exclusive]).map(step)
  const empty = (name: string, algorithm: string, content = '') =>
    `<${q(name)} Algorithm="${algorithm}"${content === '' ? '/>' : `>${content}</${q(name)}>`}`
  const transform = (each: TransformOptions) =>
    typeof each === 'string' ? empty('Transform', each) : empty('Transform', each.algorithm, each.content)
  return [
    `<${q('SignedInfo')}>`,
    empty('CanonicalizationMethod', canonicalization, inclusiveNamespaces(options.infoPrefixes)),
    empty('SignatureMethod', methodSaid),
    `<${q('Reference')}${attributesText({ URI: uri })}>`,
    steps.length === 0 ? '' : `<${q('Transforms')}>${steps.map(transform).join('')}</${q('Transforms')}>`,
    empty('DigestMethod', digestSaid),
    `<${q('DigestValue')}>${digestOf(canonical, digest)}</${q('DigestValue')}>`,
    `</${q('Reference')}>`,
    `</${q('SignedInfo')}>`,
  ].join('')
}

const inclusiveNamespaces = (prefixes: readonly string[] | undefined): string =>
  prefixes === undefined
    ? ''
    : `<ec:InclusiveNamespaces xmlns:ec="${transforms.exclusive}" PrefixList="${prefixes.join(' ')}"/>`

export const digestOf = (text: string, digest: DigestName = 'sha256'): string =>
  createHash(digest).update(text).digest('base64')

/** `signature` with the value that its SignedInfo has where it stands in `document`. */
const withValue = (document: string, signature: string, options: SigningOptions): string => {
  if (options.key === undefined) return signature
  const info = "//*[local-name()='SignatureValue'][.='SIGNATURE-VALUE']/../*[local-name()='SignedInfo']"
  const canonical = canonicalText(document, `(${info})[1]`, prefixesOf(options.infoPrefixes))
  const value = signatureValue(options.signedOctets?.(canonical) ?? canonical, options.method, options.key)
  return signature.replace(noValue, value)
}

const schemes: Readonly<Record<string, object>> = {
  rsa: {},
  ecdsa: { dsaEncoding: 'ieee-p1363' },
  pss: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
}

/** The base64 of a SignatureValue. ECDSA is r and s, one after the other (XMLDSig Core 6.4.3). */
export const signatureValue = (
  octets: string,
  method: SignatureName = 'rsa-sha256',
  key: KeyObject | Uint8Array,
): string => {
  const words = method.split('-')
  const hash = words.at(-1) ?? 'sha256'
  if (key instanceof Uint8Array) return createHmac(hash, key).update(octets).digest('base64')
  const scheme = schemes[words.at(-2) ?? 'rsa'] ?? {}
  return sign(hash, Buffer.from(octets), { key, ...scheme }).toString('base64')
}
