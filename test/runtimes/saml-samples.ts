import { type TestCertificate, testCertificate } from '../world/certificates.ts'
import { encryptAssertion, encryptId } from '../world/saml-encryption.ts'
import { type SamlIdentityProvider, samlIdentityProvider } from '../world/saml-identity-provider.ts'
import type { SignatureName } from '../world/saml-names.ts'
import { changed } from '../world/saml-text.ts'
import { assertionWrappings, responseWrappings } from '../world/saml-wrapping.ts'
import { us } from './saml-documents.ts'
import type { SamlQuestion } from './saml-question.ts'

/** Assertions by every algorithm that a map can name, and hostile ones, each with what is to come of it. */

export interface SamlSample {
  readonly what: string
  readonly accepted: boolean
  readonly question: SamlQuestion
}

interface Draft {
  readonly accepted: boolean
  readonly xml: string | Uint8Array
  readonly kind?: SamlQuestion['kind']
}

const now = Date.UTC(2026, 5, 1, 12) / 1_000

/** Made with new keys. */
export const samlSamples = async (): Promise<readonly SamlSample[]> => {
  const providers = providersWithNewKeys()
  const encryption = testCertificate({ subject: 'dragoman', key: 'RSA-2048' })
  const setting: SamlQuestion['setting'] = {
    providers: Object.values(providers).map(({ entityId, certificatePem }) => ({
      entityID: entityId,
      certificates: [certificatePem],
    })),
    now,
    clockSkew: 60,
    audience: us,
    recipient: `${us}/token`,
    algorithms: [...rsa, ...ecdsa],
    decryptionKeys: [encryption.privateKeyPem],
  }
  const drafts = { ...signed(providers), ...(await encrypted(providers.rsa, encryption)), ...hostile(providers) }
  return Object.entries(drafts).map(([what, { accepted, xml, kind = 'assertion' }]) => ({
    what,
    accepted,
    question: { kind, document: Buffer.from(xml).toString('base64'), setting },
  }))
}

const rsa: readonly SignatureName[] = [
  'rsa-sha256',
  'rsa-sha384',
  'rsa-sha512',
  'rsa-pss-sha256',
  'rsa-pss-sha384',
  'rsa-pss-sha512',
]
const ecdsa: readonly SignatureName[] = ['ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512']

interface Providers {
  readonly rsa: SamlIdentityProvider
  readonly p256: SamlIdentityProvider
  readonly p384: SamlIdentityProvider
  readonly p521: SamlIdentityProvider
}

const providersWithNewKeys = (): Providers => {
  const provider = (host: string, key: 'RSA-2048' | 'P-256' | 'P-384' | 'P-521') =>
    samlIdentityProvider({ entityId: `https://${host}.example.com/saml`, key, now: () => now })
  return {
    rsa: provider('rsa', 'RSA-2048'),
    p256: provider('p256', 'P-256'),
    p384: provider('p384', 'P-384'),
    p521: provider('p521', 'P-521'),
  }
}

type Drafts = Readonly<Record<string, Draft>>

const signed = (providers: Providers): Drafts => {
  const { p256, p384, p521 } = providers
  const by = (provider: SamlIdentityProvider, methods: readonly SignatureName[]) =>
    methods.map((method): [string, Draft] => [
      `${method} by ${provider.entityId}`,
      { accepted: true, xml: provider.signedAssertion({}, { method, digest: digestFor(method) }) },
    ])
  return {
    ...Object.fromEntries([...by(providers.rsa, rsa), ...[p256, p384, p521].flatMap((each) => by(each, ecdsa))]),
    'a name in many scripts': {
      accepted: true,
      xml: providers.rsa.signedAssertion({
        nameId: 'Ålice \u{1f680} 爱丽丝 & <söhne>',
      }),
    },
    'white space, entities and CDATA': {
      accepted: true,
      xml: changed(
        p256.signedAssertion({ between: '\r\n\t ' }),
        'alice@example.com<',
        '&#97;lice<![CDATA[@example]]>.com<',
      ),
    },
    'a response around it': {
      accepted: true,
      kind: 'response',
      xml: p256.response({ content: p256.signedAssertion() }),
    },
  }
}

const digestFor = (method: SignatureName) =>
  method.endsWith('512') ? 'sha512' : method.endsWith('384') ? 'sha384' : 'sha256'

const encrypted = async (provider: SamlIdentityProvider, to: TestCertificate): Promise<Drafts> => {
  const ways = [
    { content: 'aes128-gcm', key: 'rsa-oaep-mgf1p', digest: 'sha1' },
    { content: 'aes256-gcm', key: 'rsa-oaep', digest: 'sha256', mask: 'sha256' },
    { content: 'aes256-gcm', key: 'rsa-oaep', digest: 'sha512', mask: 'sha512' },
  ] as const
  const good = await Promise.all(
    ways.map(
      async (way): Promise<[string, Draft]> => [
        `encrypted by ${Object.values(way).join(', ')}`,
        { accepted: true, xml: await encryptAssertion(provider.signedAssertion(), to, way) },
      ],
    ),
  )
  const sealed = await encryptAssertion(provider.signedAssertion(), to)
  const stranger = testCertificate({ subject: 'stranger', key: 'RSA-2048' })
  const name = await encryptId(
    '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">alice</saml:NameID>',
    to,
  )
  return {
    ...Object.fromEntries(good),
    'a name that is encrypted': { accepted: true, xml: provider.signedAssertion({ nameId: { xml: name } }) },
    'encrypted by CBC': {
      accepted: false,
      xml: await encryptAssertion(provider.signedAssertion(), to, { content: 'aes256-cbc' }),
    },
    'encrypted with PKCS #1 v1.5': {
      accepted: false,
      xml: await encryptAssertion(provider.signedAssertion(), to, { key: 'rsa-1_5' }),
    },
    'encrypted to somebody else': {
      accepted: false,
      xml: await encryptAssertion(provider.signedAssertion(), stranger),
    },
    'encrypted and changed': {
      accepted: false,
      xml: sealed.replace(/(?<=<e:CipherValue>)../g, (two) => (two === 'AB' ? 'CD' : 'AB')),
    },
    'encrypted and not signed': { accepted: false, xml: await encryptAssertion(provider.assertion(), to) },
  }
}

const hostile = ({ rsa: provider, p256 }: Providers): Drafts => {
  const forged = provider.assertion({ nameId: 'admin@example.com' })
  const genuine = provider.signedAssertion()
  const attacker = samlIdentityProvider({ entityId: provider.entityId, now: () => now })
  const response = provider.response({ content: genuine })
  const wrapped = Object.entries(assertionWrappings).map(
    ([what, wrap]) => [what, { xml: wrap(genuine, forged) }] as const,
  )
  const responses = Object.entries(responseWrappings).map(
    ([what, wrap]) => [what, { xml: wrap(response, forged), kind: 'response' as const }] as const,
  )
  const others: Readonly<Record<string, Omit<Draft, 'accepted'>>> = {
    'no signature': { xml: forged },
    'the key of an attacker': { xml: attacker.signedAssertion() },
    'another name': { xml: changed(genuine, 'alice@example.com<', 'admin@example.com<') },
    'a comment in the name': { xml: changed(genuine, 'alice@example.com<', 'alice@example.com<!---->.evil.example<') },
    'RSA with SHA-1': { xml: provider.signedAssertion({}, { method: 'rsa-sha1' }) },
    'a zero for an ECDSA signature': {
      xml: p256.signedAssertion({}, { signature: withValue(Buffer.alloc(64)) }),
    },
    'an ECDSA signature that is too short': {
      xml: p256.signedAssertion({}, { signature: withValue(Buffer.alloc(63, 1)) }),
    },
    'an octet before the RSA signature': { xml: provider.signedAssertion({}, { signature: withZeroBefore }) },
    'a DOCTYPE': { xml: `<!DOCTYPE x [<!ENTITY y "z">]>${genuine}` },
    'octets that are not UTF-8': { xml: Buffer.concat([Buffer.from(genuine), Buffer.from([0xff])]) },
    'UTF-16': { xml: Buffer.from(`\ufeff${genuine}`, 'utf16le') },
    'half a document': { xml: genuine.slice(0, genuine.length / 2) },
    'another audience': { xml: provider.signedAssertion({ conditions: { audiences: [['https://other.example']] } }) },
    'an end that has passed': { xml: provider.signedAssertion({ confirmations: [{ notOnOrAfter: -61 }] }) },
  }
  const all = [...wrapped, ...responses, ...Object.entries(others)]
  return Object.fromEntries(all.map(([what, draft]) => [what, { ...draft, accepted: false }]))
}

const signatureValue = /(?<=<ds:SignatureValue>)[^<]*/

const withValue = (value: Uint8Array) => (signature: string) =>
  changed(signature, signatureValue, Buffer.from(value).toString('base64'))

const withZeroBefore = (signature: string): string =>
  signature.replace(signatureValue, (value) =>
    Buffer.concat([Buffer.alloc(1), Buffer.from(value, 'base64')]).toString('base64'),
  )
