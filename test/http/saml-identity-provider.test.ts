import { describe, expect, it } from 'vitest'
import { decrypt } from 'xml-encryption'
import { testCertificate } from '../world/certificates.ts'
import { nameIdText } from '../world/saml-assertion-text.ts'
import {
  type EncryptionOptions,
  encryptAssertion,
  encryptedData,
  encryptId,
  withKeyBeside,
} from '../world/saml-encryption.ts'
import { samlIdentityProvider } from '../world/saml-identity-provider.ts'
import { entitiesText } from '../world/saml-metadata-text.ts'
import { namespaces, type SignatureName } from '../world/saml-names.ts'
import { signedReferences } from '../world/saml-oracle.ts'
import type { SigningOptions } from '../world/saml-signature.ts'
import { changed, partOf } from '../world/saml-text.ts'

/** The tests' own identity provider makes what others take for SAML: xml-crypto and xml-encryption judge it here. */

const now = () => Date.UTC(2026, 5, 1, 12) / 1_000
const rsa = samlIdentityProvider({ now })
const curves = (['P-256', 'P-384', 'P-521'] as const).map((key) => samlIdentityProvider({ key, now }))

describe('signatures of the identity provider', () => {
  it.each<readonly [SignatureName, SigningOptions]>([
    ['rsa-sha1', { digest: 'sha1' }],
    ['rsa-sha256', {}],
    ['rsa-sha384', { digest: 'sha384' }],
    ['rsa-sha512', { digest: 'sha512' }],
    ['rsa-pss-sha256', {}],
    ['rsa-pss-sha512', {}],
    ['rsa-sha256', { prefix: '' }],
    ['rsa-sha256', { prefixes: ['xs', 'xsi'] }],
    ['rsa-sha256', { infoPrefixes: ['saml'] }],
    ['rsa-sha256', { keyInfo: null }],
  ])('hold for xml-crypto: %s %o', (method, options) => {
    const declared = { xs: namespaces.xs, xsi: namespaces.xsi }
    const xml = rsa.signedAssertion({ declared, nameId: 'ada' }, { method, ...options })
    const [canonical, ...others] = signedReferences(xml, rsa.certificatePem)
    expect(others).toEqual([])
    expect(canonical).toContain('>ada</saml:NameID>')
    expect(canonical).not.toContain('SignatureValue')
    expect(canonical?.includes('xmlns:xs=')).toBe(options.prefixes !== undefined)
  })

  it.each(curves.map((provider) => [provider.method, provider] as const))('hold for xml-crypto: %s', (_, provider) => {
    expect(signedReferences(provider.signedAssertion(), provider.certificatePem)).toHaveLength(1)
  })

  it('hold for what has a prolog, comments, CDATA, references and other white space', () => {
    const plain = rsa.assertion({ between: '\n  ', prefix: '', nameId: { value: { xml: 'a<![CDATA[d]]>&#97;' } } })
    const xml = rsa.sign(`<?xml version="1.0"?>\n<!-- c -->${plain.replace('<Subject>', '<!-- c --><Subject>')}`)
    expect(xml).toContain('<![CDATA[d]]>&#97;')
    expect(signedReferences(xml, rsa.certificatePem)[0]).toContain('>ada</NameID>')
  })

  it('do not hold for what was changed, nor under another key', () => {
    const xml = rsa.signedAssertion()
    const [other] = curves
    expect(() => signedReferences(changed(xml, 'alice', 'admin'), rsa.certificatePem)).toThrow()
    expect(() => signedReferences(xml, other?.certificatePem ?? '')).toThrow()
    const tampered = rsa.signedAssertion({}, { signedOctets: (octets) => `${octets} ` })
    expect(() => signedReferences(tampered, rsa.certificatePem)).toThrow()
  })

  it('hold for an assertion inside a response, and for metadata', () => {
    const assertion = rsa.assertion({ id: '_inside' })
    const response = rsa.sign(rsa.response({ content: assertion }), { target: '_inside' })
    expect(partOf(response, 'saml:Assertion')).toContain('<ds:Signature')
    expect(signedReferences(response, rsa.certificatePem)[0]).toMatch(/^<saml:Assertion/)
    const metadata = rsa.signedMetadata({ validUntil: 3_600 })
    expect(metadata).toMatch(/^<md:EntityDescriptor[^>]*><ds:Signature/)
    expect(signedReferences(metadata, rsa.certificatePem)[0]).toContain('validUntil="2026-06-01T13:00:00Z"')
    const several = rsa.sign(entitiesText([rsa.metadata()], now(), { id: '_all' }), { after: /[^>]*>/ })
    expect(signedReferences(several, rsa.certificatePem)[0]).toMatch(/^<md:EntitiesDescriptor/)
  })
})

describe('what the identity provider encrypts', () => {
  const certificate = testCertificate({ key: 'RSA-2048' })
  const opened = async (xml: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { key: certificate.privateKeyPem, disallowDecryptionWithInsecureAlgorithm: false }
      decrypt(xml, { ...options, warnInsecureAlgorithm: false }, (error, text) =>
        error === null ? resolve(text) : reject(error),
      )
    })

  it.each<EncryptionOptions>([
    {},
    { content: 'aes128-gcm' },
    { digest: 'sha256' },
    { key: 'rsa-oaep', digest: 'sha256', mask: 'sha256' },
    { key: 'rsa-oaep', digest: 'sha512', mask: 'sha1' },
    { content: 'aes256-cbc' },
    { key: 'rsa-1_5' },
  ])('is read by xml-encryption: %o', async (options) => {
    expect(await opened(await encryptedData('<a>é</a>', certificate, options))).toBe('<a>é</a>')
  })

  it('is an EncryptedAssertion or an EncryptedID', async () => {
    const xml = rsa.signedAssertion()
    const assertion = await encryptAssertion(xml, certificate)
    expect(assertion).toMatch(/^<saml:EncryptedAssertion [^>]*><xenc:EncryptedData/)
    expect(await opened(partOf(assertion, 'xenc:EncryptedData'))).toBe(xml)
    const nameId = nameIdText({ value: 'ada' }, 'saml:NameID', { 'xmlns:saml': namespaces.saml })
    const id = await encryptId(nameId, certificate)
    expect(await opened(partOf(id, 'xenc:EncryptedData'))).toBe(nameId)
  })

  it('can have its key beside it', async () => {
    const beside = withKeyBeside(await encryptAssertion(rsa.signedAssertion(), certificate))
    expect(beside).toMatch(/<\/xenc:EncryptedData><e:EncryptedKey[\s\S]*<\/e:EncryptedKey><\/saml:EncryptedAssertion>$/)
    expect(partOf(beside, 'xenc:EncryptedData')).not.toContain('EncryptedKey')
  })
})
