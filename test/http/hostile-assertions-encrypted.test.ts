import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestCertificate, testCertificate } from '../world/certificates.ts'
import { nameIdText } from '../world/saml-assertion-text.ts'
import {
  type EncryptionOptions,
  encryptAssertion,
  encryptedData,
  encryptId,
  withKeyBeside,
} from '../world/saml-encryption.ts'
import { namespaces } from '../world/saml-names.ts'
import { changed, partOf } from '../world/saml-text.ts'
import { assertionWrappings } from '../world/saml-wrapping.ts'
import { good } from './saml-changes.ts'
import {
  acceptsAll,
  expectRefused,
  type Hostile,
  identityOf,
  openSamlWorld,
  refusesAll,
  type SamlWorld,
  type Sound,
} from './saml-world.ts'

/** Encrypted assertions, names and attributes. Anybody can encrypt to us: what comes out is worth what its signature is. */

let world: SamlWorld
beforeAll(async () => {
  world = await openSamlWorld()
})
afterAll(() => world.stop())

const stranger = testCertificate({ subject: 'stranger', key: 'RSA-2048' })

const sealing =
  (xml: (w: SamlWorld) => string, options: EncryptionOptions = {}) =>
  (w: SamlWorld) =>
    encryptAssertion(xml(w), w.encryption, options)
const sealed = (options: EncryptionOptions = {}) => sealing(good, options)
const altered = (change: (xml: string) => string) => async (w: SamlWorld) => change(await sealed()(w))
const without = (pattern: RegExp) => altered((xml) => changed(xml, pattern, ''))

/** A CipherValue with one of its octets changed: the first is the key's, the second the content's. */
const flipped = (which: 0 | 1, at: number) =>
  altered((xml) => {
    const value = [...xml.matchAll(/<\w+:CipherValue>([^<]*)</g)][which]?.[1] ?? ''
    const octets = Buffer.from(value, 'base64')
    const place = at < 0 ? octets.length + at : at
    octets[place] = (octets[place] ?? 0) ^ 1
    return changed(xml, value, octets.toString('base64'))
  })

const keyIn = (xml: string): string => partOf(xml, 'e:EncryptedKey')
/** `xml` with further EncryptedKeys before its own. */
const withKeys = async (count: number, certificate: TestCertificate, w: SamlWorld): Promise<string> => {
  const key = keyIn(await encryptAssertion('<x/>', certificate))
  return changed(await sealed()(w), /(?=<e:EncryptedKey)/, key.repeat(count))
}

const algorithms: readonly Hostile[] = [
  ['AES-128-CBC', 'credential.algorithm_not_allowed', sealed({ content: 'aes128-cbc' })],
  ['AES-256-CBC', 'credential.algorithm_not_allowed', sealed({ content: 'aes256-cbc' })],
  ['3DES-CBC', 'credential.algorithm_not_allowed', sealed({ content: 'tripledes-cbc' })],
  ['a key by PKCS#1 v1.5', 'credential.algorithm_not_allowed', sealed({ key: 'rsa-1_5' })],
  [
    'GCM said and CBC done',
    'credential.decryption_failed',
    async (w) =>
      changed(await sealed({ content: 'aes256-cbc' })(w), '2001/04/xmlenc#aes256-cbc', '2009/xmlenc11#aes256-gcm'),
  ],
  [
    'CBC said and GCM done',
    'credential.algorithm_not_allowed',
    altered((xml) => changed(xml, '2009/xmlenc11#aes256-gcm', '2001/04/xmlenc#aes256-cbc')),
  ],
  [
    'another length of the key said',
    'credential.decryption_failed',
    altered((xml) => changed(xml, 'aes256-gcm', 'aes128-gcm')),
  ],
  [
    'PKCS#1 v1.5 said and OAEP done',
    'credential.algorithm_not_allowed',
    altered((xml) => changed(xml, 'rsa-oaep-mgf1p', 'rsa-1_5')),
  ],
  [
    'an algorithm that nobody knows',
    'credential.algorithm_not_allowed',
    altered((xml) => changed(xml, /Algorithm="[^"]*aes256-gcm"/, 'Algorithm="urn:x"')),
  ],
  ['no algorithm', 'credential.malformed', without(/<xenc:EncryptionMethod[^>]*>/)],
  [
    'an algorithm for the key that nobody knows',
    'credential.algorithm_not_allowed',
    altered((xml) => changed(xml, /Algorithm="[^"]*rsa-oaep-mgf1p"/, 'Algorithm="urn:x"')),
  ],
]

const broken: readonly Hostile[] = [
  ["somebody else's key", 'credential.decryption_failed', (w) => encryptAssertion(good(w), stranger)],
  ['a changed tag', 'credential.decryption_failed', flipped(1, -1)],
  ['a changed text', 'credential.decryption_failed', flipped(1, 100)],
  ['a changed nonce', 'credential.decryption_failed', flipped(1, 0)],
  ['a changed key', 'credential.decryption_failed', flipped(0, 0)],
  [
    'the key of another message',
    'credential.decryption_failed',
    async (w) => {
      const [one, two] = await Promise.all([sealed()(w), sealed()(w)])
      return changed(one, keyIn(one), keyIn(two))
    },
  ],
  [
    'a text that is too short',
    'credential.malformed',
    altered((xml) => changed(xml, /(?<=<xenc:CipherValue>)[^<]*/, 'AAAA')),
  ],
  ['an empty text', 'credential.malformed', altered((xml) => changed(xml, /(?<=<xenc:CipherValue>)[^<]*/, ''))],
  [
    'a text that is not base64',
    'credential.malformed',
    altered((xml) => changed(xml, /(?<=<xenc:CipherValue>)..../, '----')),
  ],
  [
    'a key that is too short',
    'credential.malformed',
    altered((xml) => changed(xml, /(?<=<e:CipherValue>)[^<]*/, 'AAAA')),
  ],
  ['no key', 'credential.malformed', without(/<e:EncryptedKey[\s\S]*<\/e:EncryptedKey>/)],
  ['no text', 'credential.malformed', without(/<xenc:CipherData>[\s\S]*<\/xenc:CipherData>/)],
  [
    'a text that lies elsewhere',
    'credential.malformed',
    altered((xml) =>
      changed(
        xml,
        /<xenc:CipherValue>[\s\S]*<\/xenc:CipherValue>/,
        '<xenc:CipherReference URI="https://attacker.example/text"/>',
      ),
    ),
  ],
  [
    'a key that lies elsewhere',
    'credential.malformed',
    altered((xml) => changed(xml, keyIn(xml), '<RetrievalMethod URI="https://attacker.example/key"/>')),
  ],
  ['five keys', 'credential.malformed', (w) => withKeys(4, stranger, w)],
  [
    'two keys, neither for us',
    'credential.decryption_failed',
    async (w) =>
      changed(
        await encryptAssertion(good(w), stranger),
        /(?=<e:EncryptedKey)/,
        keyIn(await encryptAssertion('<x/>', stranger)),
      ),
  ],
  [
    'two texts',
    'credential.malformed',
    altered((xml) => changed(xml, partOf(xml, 'xenc:EncryptedData'), partOf(xml, 'xenc:EncryptedData').repeat(2))),
  ],
  [
    'an assertion beside the text',
    'credential.malformed',
    async (w) => changed(await sealed()(w), /(?=<\/saml:EncryptedAssertion>)/, good(w)),
  ],
  [
    'text for the content of an element',
    'credential.malformed',
    altered((xml) => changed(xml, 'xmlenc#Element"', 'xmlenc#Content"')),
  ],
  ['no wrapper', 'credential.malformed', (w) => encryptedData(good(w), w.encryption)],
  [
    'a wrapper of another kind',
    'credential.malformed',
    altered((xml) => xml.replaceAll('saml:EncryptedAssertion', 'saml:EncryptedID')),
  ],
]

const unsigned = (w: SamlWorld) => w.idp.assertion()
const forged = (w: SamlWorld) => w.attacker.signedAssertion({ nameId: 'admin@example.com' })

const inside: readonly Hostile[] = [
  ['an assertion that nobody signed', 'credential.signature_invalid', sealing(unsigned)],
  ['an assertion that an attacker signed', 'credential.signature_invalid', sealing(forged)],
  [
    'an assertion that was changed after it was signed',
    'credential.signature_invalid',
    sealing((w) => changed(good(w), 'alice@', 'admin@')),
  ],
  [
    'an assertion of a stranger',
    'issuer.unknown',
    sealing((w) => w.idp.signedAssertion({ issuer: 'https://evil.example' })),
  ],
  [
    'an assertion for somebody else',
    'credential.audience_mismatch',
    sealing((w) => w.idp.signedAssertion({ conditions: { audiences: [['https://other.example']] } })),
  ],
  [
    'an assertion that has expired',
    'credential.expired',
    sealing((w) => w.idp.signedAssertion({ conditions: { notBefore: -7_200, notOnOrAfter: -3_600 } })),
  ],
  [
    'an assertion of one who does not encrypt to us',
    'credential.decryption_failed',
    sealing((w) => w.otherIdp.signedAssertion()),
  ],
  ['two assertions', 'credential.malformed', sealing((w) => forged(w) + good(w))],
  ['a response', 'credential.malformed', sealing((w) => w.idp.response({ content: good(w) }))],
  ['text before an assertion', 'credential.malformed', sealing((w) => `x${good(w)}`)],
  ['no XML', 'credential.malformed', sealing(() => 'alice@example.com')],
  ['a DOCTYPE', 'credential.malformed', sealing((w) => `<!DOCTYPE x [<!ENTITY e "admin">]>${good(w)}`)],
  [
    'a prefix that only the message declares',
    'credential.malformed',
    async (w) => encryptedIn(w, good(w).replace(` xmlns:saml="${namespaces.saml}"`, ' xmlns:saml="urn:x"')),
  ],
  ['SHA-1', 'credential.algorithm_not_allowed', sealing((w) => w.idp.signedAssertion({}, { method: 'rsa-sha1' }))],
  ['an encrypted assertion', 'credential.malformed', async (w) => encryptedIn(w, await sealed()(w))],
  ['a name', 'credential.malformed', sealing(() => nameIdText({ value: 'admin@example.com' }))],
]
const encryptedIn = (w: SamlWorld, xml: string) => encryptAssertion(xml, w.encryption)

const wrapped: readonly Hostile[] = Object.entries(assertionWrappings).map(
  ([what, wrap]): Hostile => [
    what,
    what.includes('that has the genuine signature') ? 'credential.signature_invalid' : 'credential.malformed',
    sealing((w) =>
      wrap(w.idp.signedAssertion({ id: '_genuine' }), w.idp.assertion({ id: '_forged', nameId: 'admin@example.com' })),
    ),
  ],
)

const declared = { 'xmlns:saml': namespaces.saml }
const alice = nameIdText({ value: 'alice@example.com' }, 'saml:NameID', declared)
const subject = async (w: SamlWorld, id: Promise<string>) => w.idp.signedAssertion({ nameId: { xml: await id } })
const named = (xml: string, options?: EncryptionOptions) => (w: SamlWorld) =>
  subject(w, encryptId(xml, w.encryption, options))

const names: readonly Hostile[] = [
  ["somebody else's key", 'credential.decryption_failed', (w) => subject(w, encryptId(alice, stranger))],
  ['CBC', 'credential.algorithm_not_allowed', named(alice, { content: 'aes128-cbc' })],
  ['PKCS#1 v1.5', 'credential.algorithm_not_allowed', named(alice, { key: 'rsa-1_5' })],
  ['a BaseID', 'credential.malformed', named(`<saml:BaseID xmlns:saml="${namespaces.saml}"/>`)],
  ['a whole assertion', 'credential.malformed', (w) => subject(w, encryptId(good(w), w.encryption))],
  ['two names', 'credential.malformed', named(alice.repeat(2))],
  ['a text', 'credential.malformed', named('alice@example.com')],
  ['an empty name', 'credential.malformed', named(alice.replace('alice@example.com', ''))],
  ['a comment in the name', 'credential.malformed', named(alice.replace('@', '@<!---->'))],
  ['an entity', 'credential.malformed', named(`<!DOCTYPE x [<!ENTITY e "admin">]>${alice.replace('alice', '&e;')}`)],
  ['a name in another namespace', 'credential.malformed', named('<NameID xmlns="urn:x">alice@example.com</NameID>')],
  ['a name that is a SPIFFE ID', 'credential.type_mismatch', named(alice.replace('alice@example.com', 'spiffe://a/b'))],
  [
    'another one, put there after it was signed',
    'credential.signature_invalid',
    async (w) => {
      const xml = await named(alice)(w)
      const other = await encryptId(alice.replace('alice', 'admin'), w.encryption)
      return changed(xml, partOf(xml, 'saml:EncryptedID'), other)
    },
  ],
  [
    'a plain name too',
    'credential.malformed',
    async (w) =>
      subject(
        w,
        encryptId(alice, w.encryption).then((id) => id + alice),
      ),
  ],
  [
    'a second one',
    'credential.malformed',
    async (w) =>
      subject(
        w,
        encryptId(alice, w.encryption).then((id) => id.repeat(2)),
      ),
  ],
  [
    'a plain name around it',
    'credential.malformed',
    async (w) =>
      subject(
        w,
        encryptId(alice, w.encryption).then((id) => `<saml:NameID>${id}</saml:NameID>`),
      ),
  ],
]

const attributes: readonly Hostile[] = [
  [
    'an EncryptedAttribute',
    'credential.malformed',
    async (w) => {
      const attribute = '<saml:Attribute xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Name="groups"/>'
      const data = await encryptedData(attribute, w.encryption)
      return w.idp.signedAssertion({
        attributes: null,
        more: `<saml:AttributeStatement><saml:EncryptedAttribute>${data}</saml:EncryptedAttribute></saml:AttributeStatement>`,
      })
    },
  ],
]

const table = { algorithms, broken, inside, wrapped, names, attributes }

for (const [name, rows] of Object.entries(table))
  describe(`encrypted assertions: ${name}`, () => refusesAll(rows, () => world))

const sound: readonly Sound[] = [
  ['an assertion by AES-256-GCM', sealed()],
  ['an assertion by AES-128-GCM', sealed({ content: 'aes128-gcm' })],
  ['a key by OAEP with SHA-256', sealed({ key: 'rsa-oaep', digest: 'sha256', mask: 'sha256' })],
  ['a key by OAEP with SHA-512', sealed({ key: 'rsa-oaep', digest: 'sha512', mask: 'sha512' })],
  ['a key beside the text', async (w) => withKeyBeside(await sealed()(w))],
  ['a key for somebody else before ours', (w) => withKeys(1, stranger, w)],
  [
    'an assertion that takes its namespace from the message',
    sealing((w) => changed(good(w), ` xmlns:saml="${namespaces.saml}"`, '')),
  ],
  ['an encrypted name', named(alice)],
  ['an encrypted name that takes its namespace from the message', named(nameIdText({ value: 'alice@example.com' }))],
  ['an encrypted name in an encrypted assertion', async (w) => encryptedIn(w, await named(alice)(w))],
  ['the same message under an XML declaration', altered((xml) => `<?xml version="1.0"?>\n${xml}`)],
]

describe('encrypted assertions', () => acceptsAll(sound, () => world))

describe('a map without a decryption key', () => {
  let other: SamlWorld
  beforeAll(async () => {
    other = await openSamlWorld({ source: { decryptionKey: undefined } })
  })
  afterAll(() => other.stop())

  it('refuses what is encrypted, and takes what is not', async () => {
    expectRefused(await other.post(await sealed()(other)), 'credential.decryption_failed', other)
    expectRefused(await other.post(await named(alice)(other)), 'credential.decryption_failed', other)
    expect(identityOf(await other.post(good(other)))).toMatchObject({ sub: 'user:alice@example.com' })
  })
})
