import type { Instant } from '../../src/domain/time.ts'
import { type KeyKind, type TestCertificate, testCertificate } from './certificates.ts'
import { type AssertionOptions, assertionText, freshId } from './saml-assertion-text.ts'
import { type MetadataOptions, metadataText } from './saml-metadata-text.ts'
import type { SignatureName } from './saml-names.ts'
import { type ResponseOptions, responseText } from './saml-response-text.ts'
import { type SigningOptions, signed } from './saml-signature.ts'

/** An identity provider that speaks SAML 2.0, as far as tests need one. What is null in options is left out. */
export interface SamlIdentityProvider {
  readonly entityId: string
  readonly certificate: TestCertificate
  /** PEM, as a trust map's `certificates` and metadata want it. */
  readonly certificatePem: string
  /** What its key signs with. */
  readonly method: SignatureName
  /** An assertion that nobody has signed. */
  assertion(options?: AssertionOptions): string
  /** A document with a signature on its root, or on another element of it. */
  sign(xml: string, options?: SigningOptions): string
  signedAssertion(options?: AssertionOptions, signing?: SigningOptions): string
  /** A samlp:Response, not signed, around whatever. */
  response(options?: ResponseOptions): string
  metadata(options?: Partial<MetadataOptions>): string
  signedMetadata(options?: Partial<MetadataOptions>, signing?: SigningOptions): string
}

export interface SamlIdentityProviderOptions {
  readonly entityId?: string
  readonly key?: KeyKind | TestCertificate['key']
  /** Absent: the clock on the wall. */
  readonly now?: () => Instant
  /** The audience and the recipient of its assertions, where they do not say otherwise. */
  readonly audience?: string
  readonly recipient?: string
}

const usualMethods: Readonly<Partial<Record<KeyKind, SignatureName>>> = {
  'P-256': 'ecdsa-sha256',
  'P-384': 'ecdsa-sha384',
  'P-521': 'ecdsa-sha512',
}

const clock = () => Math.floor(Date.now() / 1_000)

/** A new one with a new key: RSA with 2048 bits unless another kind is wanted. */
export const samlIdentityProvider = (options: SamlIdentityProviderOptions = {}): SamlIdentityProvider => {
  const { entityId = 'https://idp.example.com/saml', key = 'RSA-2048', now = clock } = options
  const { audience = 'https://dragoman.example.com', recipient = `${audience}/token` } = options
  const certificate = testCertificate({ subject: new URL(entityId).hostname, key, days: 30 })
  const method = usualMethods[certificate.key.kind] ?? 'rsa-sha256'
  const defaults = () => ({ now: now(), issuer: entityId, audience, recipient })
  const usual: SigningOptions = { method, key: certificate.key.privateKey }
  const sign = (xml: string, signing: SigningOptions = {}) =>
    signed(xml, { ...usual, keyInfo: certificateInfo(certificate, signing.prefix), ...signing })
  const assertion = (changes: AssertionOptions = {}) => assertionText(changes, defaults())
  const metadata = (changes: Partial<MetadataOptions> = {}) =>
    metadataText({ entityId, now: now(), certificates: [{ pem: certificate.pem, use: 'signing' }], ...changes })
  return {
    entityId,
    certificate,
    certificatePem: certificate.pem,
    method,
    assertion,
    sign,
    signedAssertion: (changes, signing) => sign(assertion(changes), signing),
    response: (changes = {}) => responseText(changes, defaults()),
    metadata,
    signedMetadata: (changes = {}, signing) => {
      const xml = metadata({ id: freshId(), ...changes })
      return sign(xml, { after: /[^>]*>/, ...signing })
    },
  }
}

/** The content of a KeyInfo that names a certificate. */
export const certificateInfo = ({ der }: Pick<TestCertificate, 'der'>, prefix = 'ds'): string => {
  const q = (name: string) => (prefix === '' ? name : `${prefix}:${name}`)
  const base64 = Buffer.from(der).toString('base64')
  return `<${q('X509Data')}><${q('X509Certificate')}>${base64}</${q('X509Certificate')}></${q('X509Data')}>`
}
