import { createPublicKey, type KeyObject } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EgressWorld, openEgressWorld, partner } from '../../test/http/egress-world.ts'
import { pemOf, type TestCertificate, testCertificate, testKey } from '../../test/world/certificates.ts'
import { signedReferences } from '../../test/world/saml-oracle.ts'
import { readAssertion } from '../formats/saml/assertion-document.ts'
import { publicKeyOfCertificate } from '../formats/x509/certificate-key.ts'
import { checkXmlSignature } from '../formats/xml/signature-check.ts'
import { createNodeCertificateSignatures } from '../runtimes/node/certificate-signatures.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'

const rsa = testKey('RSA-2048')
const ec = testKey('P-256')
const certificates = { rsa: testCertificate({ key: rsa }), ec: testCertificate({ key: ec }) }
const ports = { digest: createNodeDigest(), certificateSignatures: createNodeCertificateSignatures() }

const methods = [
  ['RS256', 'rsa'],
  ['RS512', 'rsa'],
  ['ES256', 'ec'],
] as const

const hostOf = (algorithm: string) => `${algorithm.toLowerCase()}.example`

let world: EgressWorld

beforeAll(async () => {
  world = await openEgressWorld({
    secrets: { rsa: rsa.privateKeyPem, ec: ec.privateKeyPem, client: 'thesecret' },
    files: { 'rsa.pem': pemOf(certificates.rsa.der) },
    documents: (url) => [
      ...methods.map(([algorithm, key]) =>
        partner(
          algorithm.toLowerCase(),
          {
            type: 'saml-bearer',
            tokenEndpoint: `${url}/token?tenant=1&x=2`,
            scopes: ['a', 'b'],
            assertion: {
              issuer: 'https://dragoman.example.com/<saml>&co',
              subject: { identity: 'email' },
              audience: 'https://as.partner.example',
              key: { file: key },
              algorithm,
            },
          },
          { destinations: { hosts: [hostOf(algorithm)] }, release: ['public', 'internal', 'pii'] },
        ),
      ),
      partner(
        'authenticated',
        {
          type: 'saml-bearer',
          tokenEndpoint: `${url}/token`,
          clientAuth: { method: 'client_secret_basic', clientId: 'c', clientSecret: { file: 'client' } },
          assertion: {
            issuer: 'us',
            subject: 'svc',
            audience: 'them',
            key: { file: 'rsa' },
            certificate: 'rsa.pem',
            ttl: '1m',
          },
        },
        { destinations: { hosts: ['authenticated.example'] } },
      ),
    ],
  })
})

beforeEach(() => {
  world.partner.forget()
  world.partner.answer({ body: { access_token: 'saml-token', expires_in: 600, token_type: 'bearer' } })
  world.setTime(world.now() + 86_400)
})

afterAll(async () => world.stop())

const sent = async (host: string, claims: object = { email: 'ada@acme.example' }) =>
  world.describe(await world.token({ ...claims }), { url: `https://${host}/` })

const presented = () => {
  const { assertion = '', ...form } = world.partner.asked[0]?.form() ?? {}
  return { xml: Buffer.from(assertion, 'base64url').toString(), assertion, form }
}

/** What our own verifier of assertions reads, when the signature holds under the key of `certificate`. */
const readBack = async (xml: string, certificate: TestCertificate) => {
  const read = readAssertion(xml)
  if (!('signature' in read)) throw new Error('encrypted')
  const verdict = await checkXmlSignature(read.signature, [publicKeyOfCertificate(certificate.der)], ports)
  return { verdict, assertion: read.assertion }
}

const publicPem = (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()

describe('saml-bearer', () => {
  it.each(methods)('signs with %s so that xml-crypto and our own verifier find it good', async (algorithm, key) => {
    expect((await sent(hostOf(algorithm))).body['set']).toEqual([['authorization', 'Bearer saml-token']])
    const { xml, assertion, form } = presented()
    expect(form).toEqual({ grant_type: 'urn:ietf:params:oauth:grant-type:saml2-bearer', scope: 'a b' })
    expect(assertion).toMatch(/^[A-Za-z0-9_-]+$/)
    const { privateKey } = key === 'rsa' ? rsa : ec
    expect(signedReferences(xml, publicPem(privateKey))).toHaveLength(1)
    const { verdict, assertion: read } = await readBack(xml, certificates[key])
    expect(verdict).toBe('holds')
    expect(read).toMatchObject({ issuer: 'https://dragoman.example.com/<saml>&co' })
    expect(xml).toContain(`Recipient="${world.partner.url}/token?tenant=1&amp;x=2"`)
    expect(xml).toContain('<saml:Audience>https://as.partner.example</saml:Audience>')
  })

  it('does not hold under another key, nor when a letter is another one', async () => {
    await sent(hostOf('RS256'))
    const { xml } = presented()
    const other = testCertificate({ key: testKey('RSA-2048') })
    expect((await readBack(xml, other)).verdict).toBe('signature')
    expect((await readBack(xml.replace('ada@', 'eve@'), certificates.rsa)).verdict).toBe('digest')
  })

  it('says from when to when, by the second, and is never the same twice', async () => {
    await sent(hostOf('RS256'))
    await sent(hostOf('RS256'), { email: 'bob@acme.example' })
    const [first, second] = world.partner.asked.map(({ form }) =>
      Buffer.from(form()['assertion'] ?? '', 'base64url').toString(),
    )
    const text = (instant: number) => new Date(instant * 1_000).toISOString().replace('.000', '')
    const values = (name: string) =>
      [...(first ?? '').matchAll(new RegExp(` ${name}="([^"]*)"`, 'g'))].map(([, v]) => v)
    expect(values('NotOnOrAfter')).toEqual([text(world.now() + 300), text(world.now() + 300)])
    expect(values('NotBefore')).toEqual([text(world.now() - 30)])
    expect(values('IssueInstant')).toEqual([text(world.now())])
    const id = (xml = '') => /ID="([^"]+)"/.exec(xml)?.[1]
    expect(id(first)).toMatch(/^_[A-Za-z0-9._-]+$/)
    expect(id(first)).not.toBe(id(second))
  })

  it('with client authentication and the certificate in the signature', async () => {
    await sent('authenticated.example')
    const [asked] = world.partner.asked
    expect(asked?.headers['authorization']).toBe(`Basic ${Buffer.from('c:thesecret').toString('base64')}`)
    const { xml, form } = presented()
    expect(Object.keys(form)).toEqual(['grant_type'])
    const der = Buffer.from(certificates.rsa.der).toString('base64')
    expect(xml).toContain(`<ds:X509Data><ds:X509Certificate>${der}</ds:X509Certificate></ds:X509Data>`)
    expect((await readBack(xml, certificates.rsa)).verdict).toBe('holds')
  })

  it.each([
    ['an element', 'eve</saml:NameID><saml:NameID>admin'],
    ['a comment', 'admin@acme.example<!---->.evil.example'],
    ['an entity', '&lt;admin&gt;&#0;'],
    ['CDATA', '<![CDATA[admin]]>'],
    ['white space that parsers change', 'a\r\n\tb'],
    ['letters beyond the first plane', '\u{1F980}é'],
  ])('is not changed by a subject with %s', async (_, email) => {
    await sent(hostOf('RS256'), { email })
    const { verdict, assertion } = await readBack(presented().xml, certificates.rsa)
    expect(verdict).toBe('holds')
    expect(JSON.stringify(assertion)).toContain(JSON.stringify(email))
  })

  it.each([['a\u0001b'], ['a\u0000b'], ['a\u001bb'], ['a\ufffeb'], ['a\uffffb'], [' ada'], ['ada\n']])(
    'is not made for a subject that no NameID can hold: %j',
    async (email) => {
      expect([(await sent(hostOf('RS256'), { email })).status, world.reason()]).toEqual([403, 'identity.invalid'])
      expect(world.partner.asked).toHaveLength(0)
    },
  )

  it.each([
    ['an error', { status: 400, body: { error: 'invalid_grant', error_description: 'ada' } }, 'partner.refused'],
    ['401 without a body', { status: 401 }, 'partner.unauthenticated'],
    ['XML', { headers: { 'content-type': 'text/xml' }, body: '<a/>' }, 'partner.invalid_answer'],
    [
      'a token with a line break',
      { body: { access_token: 'a\r\nb: c', token_type: 'Bearer', expires_in: 1 } },
      'partner.invalid_answer',
    ],
    [
      'an end in the past',
      { body: { access_token: 'a', token_type: 'Bearer', expires_in: -1 } },
      'partner.invalid_answer',
    ],
  ])('refuses %s', async (_, answer, reason) => {
    world.partner.answer(answer)
    const { status, body } = await sent(hostOf('ES256'))
    expect([status, world.reason()]).toEqual([502, reason])
    expect(JSON.stringify([body, world.traces.at(-1)])).not.toContain('ada@acme')
  })
})
