import { createHash, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { testCertificate } from '../../test/world/certificates.ts'
import { namespaces } from '../../test/world/saml-names.ts'

/** Many different assertions of one identity provider, signed before anything is measured. */
export const assertionPool = z.object({
  /** One assertion a line. The subject of the nth is `subjectOf(n)`. */
  file: z.string(),
  /** PEM. */
  certificate: z.string(),
})
export type AssertionPool = z.infer<typeof assertionPool>

export const entityId = 'https://idp.bench.example/saml'
export const audience = 'https://dragoman.bench.example'
export const recipient = `${audience}/token`
export const subjectOf = (n: number): string => `user-${String(n).padStart(6, '0')}@bench.example`

/** Octets of an assertion. */
const size = 5_000
const validSeconds = 3_600

/** Writes `count` assertions to a file in `folder`. */
export const signAssertions = (folder: string, count: number): AssertionPool => {
  const certificate = testCertificate({ subject: 'idp.bench.example', key: 'RSA-2048', days: 1 })
  const filling = 'x'.repeat(size - signedAssertion(0, certificate, '').length)
  const file = join(folder, 'assertions.txt')
  const lines = Array.from({ length: count }, (_, n) => signedAssertion(n, certificate, filling))
  writeFileSync(file, lines.join('\n'), { encoding: 'latin1', mode: 0o600 })
  return { file, certificate: certificate.pem }
}

type Certificate = ReturnType<typeof testCertificate>

/** Everything is written in its canonical form (Exclusive XML Canonicalization), so that it can be hashed as it is. */
const signedAssertion = (n: number, { key, der }: Certificate, filling: string): string => {
  const id = `_${createHash('sha256').update(String(n)).digest('hex')}`
  const [start, end] = unsignedAssertion(n, id, filling)
  const digest = createHash('sha256')
    .update(start + end)
    .digest('base64')
  const info = (declaration: string) => signedInfo(id, digest, declaration)
  const value = sign('sha256', Buffer.from(info(dsDeclaration)), key.privateKey).toString('base64')
  const x509 = Buffer.from(der).toString('base64')
  const keyInfo = `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${x509}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`
  const signature = `<ds:Signature${dsDeclaration}>${info('')}<ds:SignatureValue>${value}</ds:SignatureValue>${keyInfo}</ds:Signature>`
  return start + signature + end
}

const dsDeclaration = ` xmlns:ds="${namespaces.ds}"`
const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#'

const method = (name: string, algorithm: string) => `<ds:${name} Algorithm="${algorithm}"></ds:${name}>`

const signedInfo = (id: string, digest: string, declaration: string): string =>
  [
    `<ds:SignedInfo${declaration}>`,
    method('CanonicalizationMethod', exclusive),
    method('SignatureMethod', 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'),
    `<ds:Reference URI="#${id}"><ds:Transforms>`,
    method('Transform', `${namespaces.ds}enveloped-signature`),
    method('Transform', exclusive),
    '</ds:Transforms>',
    method('DigestMethod', 'http://www.w3.org/2001/04/xmlenc#sha256'),
    `<ds:DigestValue>${digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>`,
  ].join('')

/** What is before the signature, and what is behind it. */
const unsignedAssertion = (n: number, id: string, filling: string): readonly [string, string] => {
  const now = Date.now()
  const at = (seconds: number) => `${new Date(now + seconds * 1000).toISOString().slice(0, 19)}Z`
  const attributes = {
    email: [subjectOf(n)],
    department: ['Orders'],
    groups: Array.from({ length: 12 }, (_, m) => `group-${m}-of-orders`),
    filling: [filling],
  }
  const start = `<saml:Assertion xmlns:saml="${namespaces.saml}" ID="${id}" IssueInstant="${at(0)}" Version="2.0"><saml:Issuer>${entityId}</saml:Issuer>`
  const end = [
    `<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">${subjectOf(n)}</saml:NameID>`,
    '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">',
    `<saml:SubjectConfirmationData NotOnOrAfter="${at(validSeconds)}" Recipient="${recipient}"></saml:SubjectConfirmationData>`,
    '</saml:SubjectConfirmation></saml:Subject>',
    `<saml:Conditions NotBefore="${at(-10)}" NotOnOrAfter="${at(validSeconds)}"><saml:AudienceRestriction>`,
    `<saml:Audience>${audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>`,
    `<saml:AuthnStatement AuthnInstant="${at(-10)}" SessionIndex="${id}"><saml:AuthnContext>`,
    '<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>',
    '</saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>',
    ...Object.entries(attributes).map(([name, values]) => attribute(name, values)),
    '</saml:AttributeStatement></saml:Assertion>',
  ].join('')
  return [start, end]
}

const attribute = (name: string, values: readonly string[]): string => {
  const texts = values.map((value) => `<saml:AttributeValue>${value}</saml:AttributeValue>`)
  return `<saml:Attribute Name="${name}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic">${texts.join('')}</saml:Attribute>`
}
