import { beforeAll, describe, expect, it } from 'vitest'
import { testCertificate } from '../world/certificates.ts'
import { namespaces } from '../world/saml-names.ts'
import { partOf } from '../world/saml-text.ts'
import { assertionTemplate } from './saml/assertions.ts'
import { type Believing, startBelieving } from './saml/believing.ts'
import { contentKeyBits, type EncryptionMethods, encryptionTemplate } from './saml/encryption-template.ts'
import { invalid } from './saml/presenting.ts'
import { takenOut } from './saml/taken-out.ts'
import { encryptedByXmlsec, encryptedInPlace, signedByXmlsec } from './saml/xml-security.ts'
import { believed, issuer, signers } from './saml/xmlsec-world.ts'

/** Assertions and names that the XML Security Library encrypts to dragoman. */

const ours = testCertificate({ subject: 'dragoman', key: 'RSA-2048' })
const before = testCertificate({ subject: 'dragoman before', key: 'RSA-2048' })

let dragoman: Believing
beforeAll(async () => {
  const decryptionKey = [{ file: 'ours.pem' }, { file: 'before.pem' }]
  dragoman = await startBelieving(
    { xmlsec: { ...believed.sources.xmlsec, decryptionKey } },
    { ...believed.files, 'ours.pem': ours.privateKeyPem, 'before.pem': before.privateKeyPem },
  )
  return dragoman.stop
})

const alice = { sub: 'user:alice@example.com', mail: 'alice@acme.example' }

const sealed = `<saml:EncryptedAssertion xmlns:saml="${namespaces.saml}">`

const signed = async (template = assertionTemplate({ issuer })): Promise<string> => {
  const [xml = ''] = await signedByXmlsec([{ xml: template, key: signers.rsa.privateKeyPem }])
  return xml
}

const toUs = (methods: EncryptionMethods, certificate = ours) => ({
  template: encryptionTemplate(methods),
  certificate: certificate.pem,
  bits: contentKeyBits(methods),
})

/** A signed assertion as the text of an EncryptedAssertion. */
const encrypted = async (methods: EncryptionMethods = {}, certificate = ours, plain?: string): Promise<string> => {
  const [data = ''] = await encryptedByXmlsec([{ ...toUs(methods, certificate), plain: plain ?? (await signed()) }])
  return `${sealed}${data}</saml:EncryptedAssertion>`
}

describe('an assertion encrypted with', () => {
  it.each<[string, EncryptionMethods]>([
    ['AES-128-GCM and RSA-OAEP as it was first', { content: 'aes128-gcm' }],
    ['AES-192-GCM', { content: 'aes192-gcm' }],
    ['AES-256-GCM, SHA-1 said', { digest: 'sha1' }],
    ['RSA-OAEP as it is now, with SHA-1 unsaid', { key: 'rsa-oaep' }],
    ['RSA-OAEP with SHA-1 said twice', { key: 'rsa-oaep', digest: 'sha1', mask: 'sha1' }],
    ['RSA-OAEP with SHA-256', { key: 'rsa-oaep', digest: 'sha256', mask: 'sha256' }],
    ['RSA-OAEP with SHA-512', { content: 'aes128-gcm', key: 'rsa-oaep', digest: 'sha512', mask: 'sha512' }],
  ])('%s', async (_, methods) => {
    expect(await dragoman.accepted(await encrypted(methods))).toMatchObject(alice)
  })

  it('the key that was ours before', async () => {
    expect(await dragoman.accepted(await encrypted({}, before))).toMatchObject(alice)
  })

  it.each<[string, EncryptionMethods]>([
    ['AES-256-CBC', { content: 'aes256-cbc' }],
    ['RSA with padding of PKCS #1 v1.5', { key: 'rsa-1_5' }],
    // No platform's own cryptography has a digest and a mask of different hashes.
    ['RSA-OAEP with SHA-256 and a mask of SHA-1', { digest: 'sha256' }],
    ['RSA-OAEP with SHA-1 and a mask of SHA-256', { key: 'rsa-oaep', mask: 'sha256' }],
  ])('%s is refused', async (_, methods) => {
    expect(await dragoman.refused(await encrypted(methods))).toEqual(invalid('credential.algorithm_not_allowed'))
  })

  it('the key of somebody else is refused', async () => {
    expect(await dragoman.refused(await encrypted({}, signers.rsa))).toEqual(invalid('credential.decryption_failed'))
  })
})

describe('what is inside', () => {
  it('an assertion that nobody has signed is refused', async () => {
    const unsigned = (await signed()).replace(/<ds:Signature[\s\S]*<\/ds:Signature>/, '')
    expect(await dragoman.refused(await encrypted({}, ours, unsigned))).toEqual(invalid('credential.signature_invalid'))
  })

  it('something else than one assertion is refused', async () => {
    const assertion = await signed()
    for (const plain of ['alice', '<a/>', `${assertion}${assertion}`, await encrypted({}, ours, assertion)])
      expect(await dragoman.refused(await encrypted({}, ours, plain))).toEqual(invalid('credential.malformed'))
  })

  it('an assertion whose namespaces are declared around it only', async () => {
    // xmlsec writes an element without what is declared around it.
    const assertion = assertionTemplate({ issuer, assertion: { undeclared: true } })
    const inside = `<saml:EncryptedAssertion>${assertion}</saml:EncryptedAssertion>`
    const response = `<samlp:Response xmlns:samlp="${namespaces.samlp}" xmlns:saml="${namespaces.saml}">${inside}</samlp:Response>`
    const [document = ''] = await encryptedInPlace([{ ...toUs({}), xml: await signed(response), path: [0, 0] }])
    expect(await dragoman.accepted(takenOut(document))).toMatchObject(alice)
  })
})

describe('the key beside the content', () => {
  const besideOf = (xml: string, pointer: string): string => {
    const key = partOf(xml, 'xenc:EncryptedKey')
    const moved = key.replace(
      '<xenc:EncryptedKey',
      `<xenc:EncryptedKey xmlns:xenc="${namespaces.xenc}" xmlns:ds="${namespaces.ds}" Id="_key"`,
    )
    return xml.replace(key, pointer).replace('</saml:EncryptedAssertion>', `${moved}</saml:EncryptedAssertion>`)
  }

  it('is found there', async () => {
    const pointer = '<ds:RetrievalMethod URI="#_key" Type="http://www.w3.org/2001/04/xmlenc#EncryptedKey"/>'
    expect(await dragoman.accepted(besideOf(await encrypted(), pointer))).toMatchObject(alice)
  })

  it('is looked for nowhere else', async () => {
    const pointer = '<ds:RetrievalMethod URI="http://127.0.0.1/key"/>'
    expect(await dragoman.refused(besideOf(await encrypted(), pointer))).toEqual(invalid('credential.malformed'))
  })
})

describe('an encrypted name', () => {
  const nameId = (declared: string) => `<saml:NameID${declared}>alice@example.com</saml:NameID>`
  const asked = (inside: string) =>
    assertionTemplate({ issuer, assertion: { nameId: { xml: `<saml:EncryptedID>${inside}</saml:EncryptedID>` } } })

  it('is read', async () => {
    const plain = nameId(` xmlns:saml="${namespaces.saml}"`)
    const [data = ''] = await encryptedByXmlsec([{ ...toUs({}), plain }])
    expect(await dragoman.accepted(await signed(asked(data)))).toMatchObject(alice)
  })

  it('is read when its namespaces are declared around it only', async () => {
    const [document = ''] = await encryptedInPlace([{ ...toUs({}), xml: asked(nameId('')), path: [2, 0, 0] }])
    expect(document).not.toContain('alice@example.com')
    expect(await dragoman.accepted(await signed(document))).toMatchObject(alice)
  })

  it('is refused when it is for somebody else, or no name', async () => {
    const plain = nameId(` xmlns:saml="${namespaces.saml}"`)
    const [other = '', text = ''] = await encryptedByXmlsec([
      { ...toUs({}, signers.rsa), plain },
      { ...toUs({}), plain: 'alice@example.com' },
    ])
    expect(await dragoman.refused(await signed(asked(other)))).toEqual(invalid('credential.decryption_failed'))
    expect(await dragoman.refused(await signed(asked(text)))).toEqual(invalid('credential.malformed'))
  })
})
