import { createPublicKey } from 'node:crypto'
import { afterAll, beforeAll, describe } from 'vitest'
import { testCertificate } from '../world/certificates.ts'
import { certificateInfo, samlIdentityProvider } from '../world/saml-identity-provider.ts'
import { namespaces, signatureMethods } from '../world/saml-names.ts'
import type { SigningOptions } from '../world/saml-signature.ts'
import { changed, partOf } from '../world/saml-text.ts'
import { after, around, good, info, part, signedBy } from './saml-changes.ts'
import {
  acceptsAll,
  entityId,
  type Hostile,
  openSamlWorld,
  refusesAll,
  type SamlWorld,
  type Sound,
} from './saml-world.ts'

/** Assertions whose signature is none, is another's, or is of a kind that nobody should believe (SAML core 5.4). */

let world: SamlWorld
beforeAll(async () => {
  world = await openSamlWorld()
})
afterAll(() => world.stop())

const missing: readonly Hostile[] = [
  ['no signature', 'credential.signature_invalid', (w) => w.idp.assertion()],
  ['an empty Signature', 'credential.malformed', around(/>[\s\S]*</, '><')],
  ['no SignedInfo', 'credential.malformed', around(part('SignedInfo'), '')],
  ['no SignatureValue', 'credential.malformed', around(part('SignatureValue'), '')],
  ['an empty SignatureValue', 'credential.malformed', around(/(?<=<ds:SignatureValue>)[^<]*/, '')],
  ['a SignatureValue that is not base64', 'credential.malformed', around(/(?<=<ds:SignatureValue>)..../, '&amp;')],
  ['a SignatureValue in base64url', 'credential.malformed', around(/(?<=<ds:SignatureValue>)..../, '-_-_')],
  ['no SignatureMethod', 'credential.malformed', info(/<ds:SignatureMethod[^>]*>/, '')],
  ['no CanonicalizationMethod', 'credential.malformed', info(/<ds:CanonicalizationMethod[^>]*>/, '')],
  ['no DigestMethod', 'credential.malformed', info(/<ds:DigestMethod[^>]*>/, '')],
  ['no DigestValue', 'credential.malformed', info(part('DigestValue'), '')],
  ['an empty DigestValue', 'credential.malformed', info(/(?<=<ds:DigestValue>)[^<]*/, '')],
  [
    'a signature in another namespace',
    'credential.signature_invalid',
    around(namespaces.ds, 'http://www.w3.org/2000/09/xmldsig'),
  ],
]

const changes: readonly Hostile[] = [
  [
    'another NameID',
    'credential.signature_invalid',
    after('alice@example.com</saml:NameID>', 'admin@example.com</saml:NameID>'),
  ],
  [
    'a NameID with a space',
    'credential.signature_invalid',
    after('alice@example.com</saml:NameID>', 'alice @example.com</saml:NameID>'),
  ],
  ['another attribute value', 'credential.signature_invalid', after('>employees<', '>admins<')],
  ['another attribute name', 'credential.signature_invalid', after('Name="email"', 'Name="mail"')],
  [
    'an attribute value more',
    'credential.signature_invalid',
    after(
      '</saml:Attribute></saml:AttributeStatement>',
      '<saml:AttributeValue>admins</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>',
    ),
  ],
  [
    'no audience any more',
    'credential.audience_mismatch',
    after(/<saml:AudienceRestriction>[\s\S]*<\/saml:AudienceRestriction>/, ''),
  ],
  [
    'another audience',
    'credential.signature_invalid',
    (w) =>
      changed(
        w.idp.signedAssertion({ conditions: { audiences: [['https://other.example']] } }),
        'https://other.example',
        'https://dragoman.example.com',
      ),
  ],
  [
    'a longer life',
    'credential.signature_invalid',
    after(/NotOnOrAfter="[^"]*"/, 'NotOnOrAfter="2026-06-01T13:00:00Z"'),
  ],
  ['another ID', 'credential.malformed', after(/ ID="[^"]*"/, ' ID="_other"')],
  [
    'another ID, the reference too',
    'credential.signature_invalid',
    (w) => w.idp.signedAssertion({ id: '_one' }).replaceAll('_one', '_two'),
  ],
  ['a further attribute of the root', 'credential.signature_invalid', after(' Version=', ' Consent="yes" Version=')],
  [
    'another prefix',
    'credential.signature_invalid',
    (w) => good(w).replaceAll('saml:', 'sam2:').replace('xmlns:saml=', 'xmlns:sam2='),
  ],
  [
    'the signature of another assertion',
    'credential.malformed',
    (w) => changed(w.idp.assertion(), /(?<=<\/saml:Issuer>)/, partOf(good(w), 'ds:Signature')),
  ],
  [
    'the signature of another assertion of the same ID',
    'credential.signature_invalid',
    (w) =>
      changed(
        w.idp.assertion({ id: '_a', nameId: 'admin@example.com' }),
        /(?<=<\/saml:Issuer>)/,
        partOf(w.idp.signedAssertion({ id: '_a' }), 'ds:Signature'),
      ),
  ],
  ['a bit of its value changed', 'credential.signature_invalid', around(/(?<=<ds:SignatureValue>)./, '0')],
  ['half of its value', 'credential.signature_invalid', around(/(?<=<ds:SignatureValue>[^<]{172})[^<]*/, '')],
  ['bytes after its value', 'credential.signature_invalid', around(/==(?=<\/ds:SignatureValue>)/, 'AA')],
  ['a value over something else', 'credential.signature_invalid', signedBy({ signedOctets: () => '' })],
  ['a digest of something else', 'credential.signature_invalid', signedBy({ digested: '<saml:Assertion/>' })],
]

const someone = (signing: SigningOptions) => (w: SamlWorld) => w.attacker.signedAssertion({}, signing)
const spki = (w: SamlWorld, format: 'pem' | 'der') => {
  const key = createPublicKey(w.idp.certificate.key.privateKey)
  return Buffer.from(format === 'pem' ? key.export({ type: 'spki', format }) : key.export({ type: 'spki', format }))
}
const hmac = (secret: (w: SamlWorld) => Uint8Array) => (w: SamlWorld) =>
  w.idp.signedAssertion({}, { method: 'hmac-sha256', key: secret(w) })
const keyValue = (w: SamlWorld) => {
  const { n = '', e = '' } = createPublicKey(w.attacker.certificate.key.privateKey).export({ format: 'jwk' })
  const [modulus, exponent] = [n, e].map((text) => Buffer.from(text, 'base64url').toString('base64'))
  return `<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>${modulus}</ds:Modulus><ds:Exponent>${exponent}</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>`
}

const keys: readonly Hostile[] = [
  ["an attacker's key with its certificate", 'credential.signature_invalid', someone({})],
  [
    "an attacker's key with the issuer's certificate",
    'credential.signature_invalid',
    (w) => someone({ keyInfo: certificateInfo(w.idp.certificate) })(w),
  ],
  ["an attacker's key without KeyInfo", 'credential.signature_invalid', someone({ keyInfo: null })],
  ["an attacker's key as KeyValue", 'credential.signature_invalid', (w) => someone({ keyInfo: keyValue(w) })(w)],
  [
    "an attacker's certificate of the issuer's name",
    'credential.signature_invalid',
    (w) => {
      const { subject } = w.idp.certificate
      return someone({ keyInfo: certificateInfo(testCertificate({ subject, key: w.attacker.certificate.key })) })(w)
    },
  ],
  [
    'the key of another identity provider that is trusted',
    'credential.key_unknown',
    (w) => w.otherIdp.signedAssertion({ issuer: entityId }),
  ],
  [
    'a foreign key of 1024 bits',
    'credential.signature_invalid',
    () => samlIdentityProvider({ entityId, key: 'RSA-1024', now: world.now }).signedAssertion(),
  ],
  ['HMAC with the public key in PEM', 'credential.algorithm_not_allowed', hmac((w) => spki(w, 'pem'))],
  ['HMAC with the public key in DER', 'credential.algorithm_not_allowed', hmac((w) => spki(w, 'der'))],
  [
    'HMAC with the certificate in PEM',
    'credential.algorithm_not_allowed',
    hmac((w) => Buffer.from(w.idp.certificatePem)),
  ],
  ['HMAC with the certificate in DER', 'credential.algorithm_not_allowed', hmac((w) => w.idp.certificate.der)],
  ['HMAC with an empty key', 'credential.algorithm_not_allowed', hmac(() => new Uint8Array())],
  [
    'HMAC-SHA1 of one bit (CVE-2009-0217)',
    'credential.algorithm_not_allowed',
    (w) =>
      w.idp.signedAssertion(
        {},
        {
          method: 'hmac-sha1',
          key: new Uint8Array(),
          info: (text) =>
            changed(
              text,
              `Algorithm="${signatureMethods['hmac-sha1']}"/>`,
              `Algorithm="${signatureMethods['hmac-sha1']}"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>`,
            ),
        },
      ),
  ],
  [
    'HMACOutputLength beside RSA',
    'credential.malformed',
    info(
      `${signatureMethods['rsa-sha256']}"/>`,
      `${signatureMethods['rsa-sha256']}"><ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>`,
    ),
  ],
  [
    'a RetrievalMethod',
    'credential.malformed',
    signedBy({ keyInfo: '<ds:RetrievalMethod URI="https://attacker.example/key"/>' }),
  ],
  [
    'a KeyInfoReference',
    'credential.malformed',
    signedBy({ keyInfo: '<dsig11:KeyInfoReference xmlns:dsig11="http://www.w3.org/2009/xmldsig11#" URI="#k"/>' }),
  ],
]

const method = (uri: string) => signedBy({ methodSaid: uri })

const algorithms: readonly Hostile[] = [
  ['RSA with SHA-1', 'credential.algorithm_not_allowed', signedBy({ method: 'rsa-sha1' })],
  ['RSA with MD5', 'credential.algorithm_not_allowed', signedBy({ method: 'rsa-md5' })],
  ['a digest by SHA-1', 'credential.algorithm_not_allowed', signedBy({ digest: 'sha1' })],
  ['a digest by MD5', 'credential.algorithm_not_allowed', signedBy({ digest: 'md5' })],
  ['a digest by SHA-224', 'credential.algorithm_not_allowed', signedBy({ digest: 'sha224' })],
  ['a digest by nobody knows what', 'credential.algorithm_not_allowed', signedBy({ digestSaid: 'urn:digest' })],
  ['a digest by an empty name', 'credential.algorithm_not_allowed', signedBy({ digestSaid: '' })],
  ['an unknown algorithm', 'credential.algorithm_not_allowed', method('urn:algorithm')],
  ['an empty algorithm', 'credential.algorithm_not_allowed', method('')],
  ['the algorithm none', 'credential.algorithm_not_allowed', method('none')],
  ['an algorithm by its short name', 'credential.algorithm_not_allowed', method('rsa-sha256')],
  [
    'an algorithm in other letters',
    'credential.algorithm_not_allowed',
    method(signatureMethods['rsa-sha256'].toUpperCase()),
  ],
  ['RSA-PSS, which the map does not name', 'credential.algorithm_not_allowed', signedBy({ method: 'rsa-pss-sha256' })],
  ['no Algorithm', 'credential.malformed', info(/<ds:SignatureMethod[^>]*>/, '<ds:SignatureMethod/>')],
  ['ECDSA said and RSA done', 'credential.key_unknown', method(signatureMethods['ecdsa-sha256'])],
  ['RSA-SHA512 said and RSA-SHA256 done', 'credential.signature_invalid', method(signatureMethods['rsa-sha512'])],
  [
    'PKCS#1 said and PSS done',
    'credential.signature_invalid',
    signedBy({ method: 'rsa-pss-sha256', methodSaid: signatureMethods['rsa-sha256'] }),
  ],
]

const ecdsa = (change: (value: Buffer) => Uint8Array) => (w: SamlWorld) =>
  w.otherIdp.signedAssertion(
    {},
    {
      signature: (text) => {
        const value = Buffer.from(partOf(text, 'ds:SignatureValue').replace(/<[^>]*>/g, ''), 'base64')
        return changed(text, /(?<=<ds:SignatureValue>)[^<]*/, Buffer.from(change(value)).toString('base64'))
      },
    },
  )

const curves: readonly Hostile[] = [
  ['r and s of zero (CVE-2022-21449)', 'credential.signature_invalid', ecdsa(() => new Uint8Array(64))],
  ['r and s in DER', 'credential.signature_invalid', ecdsa((value) => derOf(value))],
  ['r and s shortened', 'credential.signature_invalid', ecdsa((value) => value.subarray(0, 63))],
  ['bytes after r and s', 'credential.signature_invalid', ecdsa((value) => Buffer.concat([value, Buffer.alloc(2)]))],
  [
    'r and s exchanged',
    'credential.signature_invalid',
    ecdsa((value) => Buffer.concat([value.subarray(32), value.subarray(0, 32)])),
  ],
  ['no r and s', 'credential.malformed', ecdsa(() => new Uint8Array())],
  [
    'RSA said and ECDSA done',
    'credential.key_unknown',
    (w) => w.otherIdp.signedAssertion({}, { methodSaid: signatureMethods['rsa-sha256'] }),
  ],
  [
    'ECDSA with SHA-1',
    'credential.algorithm_not_allowed',
    (w) => w.otherIdp.signedAssertion({}, { method: 'ecdsa-sha1' }),
  ],
  [
    'the key of the one issuer for the other',
    'credential.key_unknown',
    (w) => w.idp.signedAssertion({ issuer: 'https://idp2.example.org/saml' }),
  ],
]

/** An ECDSA-Sig-Value (RFC 3279 section 2.2.3) with both numbers written in 33 octets. */
const derOf = (value: Uint8Array) =>
  Buffer.from([0x30, 70, 0x02, 33, 0, ...value.subarray(0, 32), 0x02, 33, 0, ...value.subarray(32)])

const table = { missing, changes, keys, algorithms, curves }

for (const [name, rows] of Object.entries(table))
  describe(`signatures of assertions: ${name}`, () => refusesAll(rows, () => world))

const harmless: readonly Sound[] = [
  ['an assertion like those above', good],
  [
    "an attacker's certificate beside a genuine signature",
    (w) => w.idp.signedAssertion({}, { keyInfo: certificateInfo(w.attacker.certificate) }),
  ],
  ['no KeyInfo', signedBy({ keyInfo: null })],
  [
    'a SignatureValue in lines',
    signedBy({
      signature: (text) =>
        text.replace(/(?<=<ds:SignatureValue>)[^<]*/, (all) => `\n${all.replace(/.{76}/g, '$&\n')}\n`),
    }),
  ],
  [
    'an ID on Signature, SignatureValue and Reference',
    signedBy({
      info: (text) => changed(text, '<ds:Reference', '<ds:Reference Id="r"'),
      signature: (text) => changed(text, '<ds:SignatureValue', '<ds:SignatureValue Id="v"'),
    }),
  ],
]

describe('signatures of assertions that only look odd', () => acceptsAll(harmless, () => world))
