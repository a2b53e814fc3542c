import { Refusal } from '../domain/refusal.ts'
import { type Secret, secret } from '../domain/secret.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import { encodeBase64 } from '../formats/base64.ts'
import { assertionNamespace, bearerMethod } from '../formats/saml/names.ts'
import type { XmlElement, XmlNode } from '../formats/xml/document.ts'
import { canonicalText } from '../formats/xml/exclusive-c14n.ts'
import { exclusiveC14n, signatureNamespace } from '../formats/xml/signature.ts'
import type { ObtainTools } from './obtainer.ts'
import { type SigningSecret, signText } from './signed-assertion.ts'

/** What an assertion of ours says (SAML core section 2.3.3, as RFC 7522 section 3 asks for it). */
export interface OwnAssertion {
  readonly issuer: string
  readonly subject: string
  readonly nameIdFormat: string
  readonly audience: string
  /** The token endpoint that it is made to be delivered to. */
  readonly recipient: string
  readonly ttl: Seconds
  readonly attributes: Readonly<Record<string, string>>
  /** base64 of the certificate, where the partner wants to see it. */
  readonly certificate?: string | undefined
}

export const signatureMethods = {
  RS256: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  RS512: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
  ES256: 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256',
} as const

const sha256Method = 'http://www.w3.org/2001/04/xmlenc#sha256'
const envelopedTransform = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'
const timeBefore: Seconds = 30

/**
 * A signed assertion, in its canonical form, so that what is signed is what is sent.
 *
 * @throws Refusal `secret.unavailable`; `identity.invalid` when a NameID cannot hold the subject
 */
export const signedSamlAssertion = async (
  said: OwnAssertion,
  signing: SigningSecret & { readonly algorithm: keyof typeof signatureMethods },
  tools: ObtainTools,
): Promise<Secret<string>> => {
  assertName(said.subject)
  const id = `_${tools.ports.ids.next()}`
  const unsigned = assertionElement(said, id, tools.now)
  const digest = await digestOf(canonicalText(unsigned), tools)
  const info = signedInfo(id, digest, signatureMethods[signing.algorithm])
  const value = encodeBase64(await signText(canonicalText(info), signing, tools))
  const signature = ds('Signature', {}, [
    info,
    ds('SignatureValue', {}, [value]),
    ...(said.certificate === undefined
      ? []
      : [ds('KeyInfo', {}, [ds('X509Data', {}, [ds('X509Certificate', {}, [said.certificate])])])]),
  ])
  const [issuer, ...rest] = unsigned.children
  return secret(
    canonicalText({ ...unsigned, children: [...(issuer === undefined ? [] : [issuer]), signature, ...rest] }),
  )
}

/** Who reads XML often takes off white space at the ends: one subject would become another. */
const assertName = (subject: string): void => {
  if (!isXmlText(subject))
    throw new Refusal('identity.invalid', 'the subject has characters that no XML document may hold')
  if (subject !== subject.trim()) throw new Refusal('identity.invalid', 'the subject begins or ends with white space')
}

/** XML 1.0 production 2. */
const isXmlText = (text: string): boolean =>
  /^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]*$/u.test(text)

const digestOf = async (text: string, { ports }: ObtainTools): Promise<string> =>
  encodeBase64(await ports.digest.hash('SHA-256', new TextEncoder().encode(text)))

const assertionElement = (said: OwnAssertion, id: string, now: Instant): XmlElement => {
  const notOnOrAfter = timeText(now + said.ttl)
  const { attributes } = said
  return saml('Assertion', { ID: id, IssueInstant: timeText(now), Version: '2.0' }, [
    saml('Issuer', {}, [said.issuer]),
    saml('Subject', {}, [
      saml('NameID', { Format: said.nameIdFormat }, [said.subject]),
      saml('SubjectConfirmation', { Method: bearerMethod }, [
        saml('SubjectConfirmationData', { NotOnOrAfter: notOnOrAfter, Recipient: said.recipient }, []),
      ]),
    ]),
    saml('Conditions', { NotBefore: timeText(now - timeBefore), NotOnOrAfter: notOnOrAfter }, [
      saml('AudienceRestriction', {}, [saml('Audience', {}, [said.audience])]),
    ]),
    saml('AuthnStatement', { AuthnInstant: timeText(now) }, [
      saml('AuthnContext', {}, [
        saml('AuthnContextClassRef', {}, ['urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified']),
      ]),
    ]),
    ...(Object.keys(attributes).length === 0
      ? []
      : [
          saml(
            'AttributeStatement',
            {},
            Object.entries(attributes).map(([name, value]) =>
              saml('Attribute', { Name: name }, [saml('AttributeValue', {}, [value])]),
            ),
          ),
        ]),
  ])
}

/** XML Signature section 4.4. */
const signedInfo = (id: string, digest: string, method: string): XmlElement =>
  ds('SignedInfo', {}, [
    ds('CanonicalizationMethod', { Algorithm: exclusiveC14n }, []),
    ds('SignatureMethod', { Algorithm: method }, []),
    ds('Reference', { URI: `#${id}` }, [
      ds('Transforms', {}, [
        ds('Transform', { Algorithm: envelopedTransform }, []),
        ds('Transform', { Algorithm: exclusiveC14n }, []),
      ]),
      ds('DigestMethod', { Algorithm: sha256Method }, []),
      ds('DigestValue', {}, [digest]),
    ]),
  ])

const elementIn =
  (prefix: string, namespace: string) =>
  (local: string, attributes: Readonly<Record<string, string>>, children: readonly XmlNode[]): XmlElement => ({
    name: `${prefix}:${local}`,
    prefix,
    local,
    namespace,
    attributes: Object.entries(attributes).map(([name, value]) => ({
      name,
      prefix: '',
      local: name,
      namespace: '',
      value,
    })),
    declarations: [{ prefix, namespace }],
    children,
  })

const saml = elementIn('saml', assertionNamespace)
const ds = elementIn('ds', signatureNamespace)

const timeText = (instant: Instant): string => `${new Date(Math.floor(instant) * 1_000).toISOString().slice(0, 19)}Z`
