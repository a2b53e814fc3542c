import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tokenTypes } from '../../src/domain/token-type.ts'
import {
  algorithmOf,
  type CertificateOptions,
  extension,
  generalNames,
  nameOf,
  oids,
  pemOf,
  type TestAuthority,
  type TestCertificate,
  testAuthority,
  testCertificate,
  testKey,
} from '../world/certificates.ts'
import {
  boolean,
  bytes,
  explicit,
  ia5,
  implicit,
  nothing,
  octetString,
  oid,
  sequence,
  tlv,
  utf8,
} from '../world/der.ts'
import { type CertificateWorld, openCertificateWorld, orders } from './certificate-world.ts'

/** Each hostile chain, presented as subject token by a gateway that may present certificates, with its exact answer. */

const mesh = testAuthority('mesh', { uris: ['spiffe://prod.example.org'] })
const partner = testAuthority('partner', { uris: ['spiffe://partner.example.net'] })
const judged = testAuthority('judged')
const key = testKey()
const dns = ['a.workloads.example']

const map = (name: string, source: object, subject: string) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind: 'TrustMap',
  metadata: { name },
  spec: {
    source,
    rules: [
      {
        name: 'all',
        identity: { type: 'workload', subject: { claim: subject, prefix: `${name}:` } },
        grant: { audiences: [orders] },
      },
    ],
  },
})

const revokedLeaf = judged.issue({ subject: 'revoked', dns, key })
const deep = judged.subordinate('deep')

const documents = [
  map(
    'mesh',
    { spiffe: { trustDomains: [{ name: 'prod.example.org', bundleFile: 'mesh.pem' }], types: ['x509-svid'] } },
    '/spiffe/path',
  ),
  map(
    'partner',
    { spiffe: { trustDomains: [{ name: 'partner.example.net', bundleFile: 'partner.pem' }], types: ['x509-svid'] } },
    'sub',
  ),
  map('judged', { x509: { trustAnchors: 'judged.pem', revocation: { crlFiles: ['judged.crl'] } } }, '/subject/CN'),
]

let world: CertificateWorld
beforeAll(async () => {
  world = await openCertificateWorld({
    documents,
    files: {
      'mesh.pem': mesh.pem,
      'partner.pem': partner.pem,
      'judged.pem': judged.pem,
      'judged.crl': pemOf(judged.crl({ revoked: [{ serial: revokedLeaf.serial }] }), 'X509 CRL'),
    },
    sources: ['people', 'workloads', 'mesh', 'partner', 'judged'],
  })
})
afterAll(() => world.stop())

type Chain = readonly TestCertificate[]
const present = (text: string) =>
  world.exchange({ subject_token: text, subject_token_type: tokenTypes.x509Chain }, { as: 'gateway' })

/** What the one who presents it hears and what the operator reads. */
const answerTo = async (text: string) => {
  const { status, body, reason } = await present(text)
  return { status, error: body['error'], reason }
}

const textOf = (chain: Chain): string => chain.map(({ pem }) => pem).join('')

const refused = (reason: string) => ({ status: 400, error: 'invalid_request', reason })

type Case = readonly [what: string, reason: string, make: () => Chain]

const leaf = (options: CertificateOptions = {}): TestCertificate => world.authority.issue({ dns, key, ...options })
const below = (authority: TestAuthority, options: CertificateOptions = {}): Chain => [
  authority.issue({ dns, key, ...options }),
  authority,
]
const between = (options: CertificateOptions, name = 'between'): TestAuthority =>
  world.authority.subordinate(name, options)

const unknown = { oid: '1.3.6.1.4.1.55738.666.1', critical: true, value: nothing() }
const subtrees = (permitted: readonly Uint8Array[], excluded: readonly Uint8Array[] = []) => ({
  oid: oids.nameConstraints,
  critical: true,
  value: sequence(
    ...(permitted.length === 0 ? [] : [explicit(0, ...permitted.map((base) => sequence(base)))]),
    ...(excluded.length === 0 ? [] : [explicit(1, ...excluded.map((base) => sequence(base)))]),
  ),
})
const host = (name: string) => implicit(2, ia5(name).subarray(2))
const constrained = (permitted: readonly Uint8Array[], excluded: readonly Uint8Array[], options: CertificateOptions) =>
  below(between({ extensions: [subtrees(permitted, excluded)] }), options)
const sanOf = (...names: readonly Uint8Array[]) => ({ oid: oids.subjectAltName, value: sequence(...names) })

const ofCertificates: readonly Case[] = [
  [
    'whose authority took a known name',
    'credential.chain_untrusted',
    () => [testAuthority('Workloads').issue({ dns })],
  ],
  ['signed with another key', 'credential.chain_untrusted', () => [leaf({ wrong: { signWith: testKey() } })]],
  [
    'with a bit of its signature changed',
    'credential.chain_untrusted',
    () => [leaf({ wrong: { signature: (octets) => octets.map((octet, at) => (at === 12 ? octet ^ 1 : octet)) } })],
  ],
  ['with an empty signature', 'credential.malformed', () => [leaf({ wrong: { signature: () => bytes() } })]],
  ['without the intermediate that issued it', 'issuer.unknown', () => [between({}, 'unseen').issue({ dns, key })]],
  ['issued by a leaf', 'credential.usage_not_allowed', () => below(between({ ca: false, keyUsage: null }, 'leaf'))],
  [
    'issued by one that may not sign certificates',
    'credential.usage_not_allowed',
    () => below(between({ keyUsage: ['cRLSign'] })),
  ],
  ['that expired a second ago', 'credential.expired', () => [leaf({ notAfter: world.now() - 2 })]],
  ['that begins in a minute', 'credential.not_yet_valid', () => [leaf({ notBefore: world.now() + 60 })]],
  ['under an intermediate that expired', 'credential.expired', () => below(between({ notAfter: world.now() - 2 }))],
  ['for servers only', 'credential.usage_not_allowed', () => [leaf({ eku: ['serverAuth'] })]],
  ['for signing code', 'credential.usage_not_allowed', () => [leaf({ eku: ['1.3.6.1.5.5.7.3.3'] })]],
  ['under an authority for servers', 'credential.usage_not_allowed', () => below(between({ eku: ['serverAuth'] }))],
  ['whose key only enciphers', 'credential.usage_not_allowed', () => [leaf({ keyUsage: ['keyEncipherment'] })]],
  ['that is an authority', 'credential.usage_not_allowed', () => [between({ dns })]],
  [
    'that may sign certificates',
    'credential.usage_not_allowed',
    () => [leaf({ keyUsage: ['digitalSignature', 'keyCertSign'] })],
  ],
  ['with an unknown critical extension', 'credential.extension_unsupported', () => [leaf({ extensions: [unknown] })]],
  [
    'under an unknown critical extension',
    'credential.extension_unsupported',
    () => below(between({ extensions: [unknown] })),
  ],
  ['with a key of 1024 bits', 'credential.algorithm_not_allowed', () => [leaf({ key: 'RSA-1024' })]],
  ['with a key on another curve', 'credential.algorithm_not_allowed', () => [leaf({ key: 'secp256k1' })]],
  [
    'signed with SHA-1',
    'credential.algorithm_not_allowed',
    () => [leaf({ wrong: { innerAlgorithm: sequence(oid('1.2.840.10045.4.1')) } })],
  ],
  [
    'with one algorithm inside and another outside',
    'credential.malformed',
    () => [leaf({ wrong: { outerAlgorithm: algorithmOf('Ed25519') } })],
  ],
  ['of version 1', 'credential.malformed', () => [leaf({ wrong: { version: null } })]],
  ['of version 4', 'credential.malformed', () => [leaf({ wrong: { version: 3 } })]],
  ['with the serial number 0', 'credential.malformed', () => [leaf({ serial: 0n })]],
  ['with a negative serial number', 'credential.malformed', () => [leaf({ serial: -5n })]],
  ['with a serial number of 21 octets', 'credential.malformed', () => [leaf({ serial: 2n ** 160n })]],
  ['without an issuer', 'credential.malformed', () => [leaf({ wrong: { issuer: sequence() } })]],
  [
    'without a subject, its names not critical',
    'credential.malformed',
    () => [leaf({ subject: nameOf(), extensions: [sanOf(generalNames.dns('a.workloads.example'))] })],
  ],
  [
    'with an extension twice',
    'credential.malformed',
    () => [leaf({ wrong: { extensions: sequence(...[1, 2].map(() => extension(sanOf(generalNames.dns('a'))))) } })],
  ],
  ['with no extension in the list', 'credential.malformed', () => [leaf({ wrong: { extensions: sequence() } })]],
  [
    'with a default written out',
    'credential.malformed',
    () => [
      leaf({
        wrong: {
          extensions: sequence(
            sequence(oid(oids.subjectAltName), boolean(false), octetString(sequence(generalNames.dns('a')))),
          ),
        },
      }),
    ],
  ],
  ['with an empty list of names', 'credential.malformed', () => [leaf({ extensions: [sanOf()] })]],
  [
    'with a NUL in a host',
    'credential.malformed',
    () => [leaf({ extensions: [sanOf(generalNames.dns('a.workloads.example\0.evil.example'))] })],
  ],
  [
    'with an address of five octets',
    'credential.malformed',
    () => [leaf({ extensions: [sanOf(generalNames.ip(bytes(10, 0, 0, 1, 1)))] })],
  ],
  [
    'with a control character in its subject',
    'credential.malformed',
    () => [leaf({ subject: nameOf(['2.5.4.3', 'orders\nCN=admin']) })],
  ],
  [
    'with a text that is not UTF-8',
    'credential.malformed',
    () => [leaf({ subject: nameOf(['2.5.4.3', tlv(0x0c, bytes(0xc3, 0x28))]) })],
  ],
  [
    'with a time without seconds',
    'credential.malformed',
    () => [
      leaf({
        wrong: { validity: sequence(tlv(0x17, Buffer.from('2601010000Z')), tlv(0x17, Buffer.from('270101000000Z'))) },
      }),
    ],
  ],
  [
    'with a time in another zone',
    'credential.malformed',
    () => [
      leaf({
        wrong: {
          validity: sequence(tlv(0x17, Buffer.from('260101000000+0100')), tlv(0x17, Buffer.from('270101000000Z'))),
        },
      }),
    ],
  ],
  [
    'without the key identifier of its issuer',
    'credential.malformed',
    () => [leaf({ without: [oids.authorityKeyIdentifier] })],
  ],
  [
    'with name constraints of its own',
    'credential.malformed',
    () => [leaf({ extensions: [subtrees([host('workloads.example')])] })],
  ],
  [
    'outside of the permitted hosts',
    'credential.constraint_violated',
    () => constrained([host('other.example')], [], {}),
  ],
  ['in an excluded host', 'credential.constraint_violated', () => constrained([], [host('workloads.example')], {})],
  [
    'outside of the permitted addresses',
    'credential.constraint_violated',
    () => constrained([generalNames.ip(bytes(10, 0, 0, 0, 255, 0, 0, 0))], [], { ips: [bytes(192, 0, 2, 1)] }),
  ],
  [
    'outside of the permitted mailboxes',
    'credential.constraint_violated',
    () => constrained([generalNames.email('acme.example')], [], { emails: ['eve@evil.example'] }),
  ],
  [
    'outside of the permitted URIs',
    'credential.constraint_violated',
    () => constrained([generalNames.uri('acme.example')], [], { uris: ['https://evil.example/x'] }),
  ],
  [
    'outside of the permitted directory',
    'credential.constraint_violated',
    () =>
      constrained([generalNames.directory(nameOf(['2.5.4.10', 'Acme']))], [], {
        subject: nameOf(['2.5.4.10', 'Evil']),
      }),
  ],
  [
    'under constraints that are none',
    'credential.malformed',
    () => below(between({ extensions: [{ oid: oids.nameConstraints, critical: true, value: sequence() }] })),
  ],
  [
    'deeper than a path length allows',
    'credential.constraint_violated',
    () => {
      const narrow = between({ pathLen: 0 }, 'narrow')
      const deeper = narrow.subordinate('deeper')
      return [deeper.issue({ dns, key }), deeper, narrow]
    },
  ],
  [
    'deeper than the map allows',
    'credential.constraint_violated',
    () => {
      const line = [world.authority]
      for (let level = 1; level <= 5; level++) line.unshift((line[0] ?? world.authority).subordinate(`level ${level}`))
      return [(line[0] ?? world.authority).issue({ dns, key }), ...line.slice(0, -1)]
    },
  ],
  [
    'under a demand for policies that nobody has',
    'credential.constraint_violated',
    () =>
      below(
        between({
          extensions: [{ oid: oids.policyConstraints, critical: true, value: sequence(implicit(0, bytes(0))) }],
        }),
      ),
  ],
  [
    'in a circle',
    'credential.chain_untrusted',
    () => {
      const [one, other] = [testKey(), testKey()]
      const name = (text: string) => nameOf(['2.5.4.3', text])
      const a = testCertificate({ subject: 'a', ca: true, key: one }, { subject: name('b'), key: other })
      const b = testCertificate({ subject: 'b', ca: true, key: other }, { subject: name('a'), key: one })
      const end = testCertificate({ dns, key }, { subject: name('a'), key: one })
      return [end, a, b, world.stranger.subordinate('x'), testAuthority('Workloads').subordinate('a')]
    },
  ],
  ['that has been revoked', 'credential.revoked', () => [revokedLeaf]],
  ['whose status no list tells', 'credential.status_unverifiable', () => [deep.issue({ dns, key }), deep]],
  ['of an unknown authority', 'issuer.unknown', () => [world.stranger.issue({ dns, key })]],
  ['that is self-signed', 'issuer.unknown', () => [testCertificate({ subject: 'self', dns })]],
]

const web = 'spiffe://prod.example.org/web'
const svid = (options: CertificateOptions): Chain => [mesh.issue({ key, uris: [web], ...options })]
const named = (...uris: readonly string[]): Chain => svid({ uris })

const ofSvids: readonly Case[] = [
  ['with two SPIFFE IDs', 'credential.malformed', () => named(web, 'spiffe://prod.example.org/admin')],
  ['with another URI before its ID', 'credential.malformed', () => named('https://prod.example.org/', web)],
  ['with the ID of the trust domain', 'credential.malformed', () => named('spiffe://prod.example.org')],
  ['with a slash at the end', 'credential.malformed', () => named(`${web}/`)],
  ['with an empty segment', 'credential.malformed', () => named('spiffe://prod.example.org//web')],
  ['with dots for a segment', 'credential.malformed', () => named('spiffe://prod.example.org/web/../admin')],
  ['with a capital in the trust domain', 'credential.malformed', () => named('spiffe://Prod.example.org/web')],
  ['with a scheme in capitals', 'credential.malformed', () => named('SPIFFE://prod.example.org/web')],
  ['with a query', 'credential.malformed', () => named(`${web}?admin`)],
  ['with a fragment', 'credential.malformed', () => named(`${web}#admin`)],
  ['with a percent sign', 'credential.malformed', () => named('spiffe://prod.example.org/we%62')],
  ['with a port', 'credential.malformed', () => named('spiffe://prod.example.org:443/web')],
  ['with user information', 'credential.malformed', () => named('spiffe://user@prod.example.org/web')],
  ['with a NUL', 'credential.malformed', () => named('spiffe://prod.example.org/web\0/x')],
  [
    'with a separator smuggled into another URI',
    'credential.malformed',
    () => named(`https://evil.example, URI:${web}`, 'spiffe://prod.example.org/x'),
  ],
  ['of an unknown trust domain', 'issuer.unknown', () => named('spiffe://evil.example.org/web')],
  [
    'of another trust domain than its authority',
    'credential.chain_untrusted',
    () => [partner.issue({ key, uris: [web] })],
  ],
  [
    'of another trust domain, the other way round',
    'credential.chain_untrusted',
    () => named('spiffe://partner.example.net/web'),
  ],
  [
    'by an authority of the same name',
    'credential.chain_untrusted',
    () => [testAuthority('mesh').issue({ key, uris: [web] })],
  ],
  ['by a public authority', 'credential.chain_untrusted', () => [world.authority.issue({ key, uris: [web] })]],
  ['that is an authority', 'credential.usage_not_allowed', () => svid({ ca: true })],
  ['that may sign CRLs', 'credential.usage_not_allowed', () => svid({ keyUsage: ['digitalSignature', 'cRLSign'] })],
  ['without a key usage', 'credential.usage_not_allowed', () => svid({ keyUsage: null })],
  ['that may not sign', 'credential.usage_not_allowed', () => svid({ keyUsage: ['keyEncipherment'] })],
  ['for servers only', 'credential.usage_not_allowed', () => svid({ eku: ['serverAuth'] })],
  ['that has expired', 'credential.expired', () => svid({ notAfter: world.now() - 2 })],
  [
    'by an intermediate of another trust domain',
    'credential.constraint_violated',
    () => {
      const foreign = mesh.subordinate('foreign', { uris: ['spiffe://partner.example.net'] })
      return [foreign.issue({ key, uris: [web] }), foreign]
    },
  ],
  [
    'with its ID as a host',
    'credential.malformed',
    () => svid({ uris: [], extensions: [sanOf(generalNames.dns(web))] }),
  ],
  ['with its ID as a common name', 'issuer.unknown', () => svid({ uris: [], subject: web })],
]

describe('a certificate', () => {
  it('of each kind is good before it is spoilt', async () => {
    for (const chain of [[leaf()], below(between({})), [judged.issue({ dns, key })], named(web)])
      expect((await present(textOf(chain))).status).toBe(200)
  })

  it.each(ofCertificates)('%s is refused: %s', async (_, reason, make) => {
    expect(await answerTo(textOf(make()))).toEqual(refused(reason))
  })
})

describe('an X.509-SVID', () => {
  it.each(ofSvids)('%s is refused: %s', async (_, reason, make) => {
    expect(await answerTo(textOf(make()))).toEqual(refused(reason))
  })
})

describe('the text of a chain', () => {
  const base64 = (der: Uint8Array) => Buffer.from(der).toString('base64')
  const good = () => leaf().der

  it.each<[what: string, make: () => string]>([
    ['is nothing like it', () => 'hello'],
    ['is base64url', () => base64(good()).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')],
    ['lacks its padding', () => `${base64(Buffer.concat([good(), bytes(0)])).replaceAll('=', '')}A`],
    ['has white space', () => base64(good()).replace(/^(.{64})/, '$1\n')],
    ['has an empty place', () => `${base64(good())},,${base64(good())}`],
    ['ends with a comma', () => `${base64(good())},`],
    ['has octets after the certificate', () => base64(Buffer.concat([good(), bytes(5, 0)]))],
    ['is cut off', () => base64(good().subarray(0, -1))],
    ['has a length that BER would take', () => base64(Buffer.concat([bytes(0x30, 0x83, 0), good().subarray(2)]))],
    ['has no end', () => base64(Buffer.concat([bytes(0x30, 0x80), good().subarray(4), bytes(0, 0)]))],
    ['holds eleven certificates', () => Array.from({ length: 11 }, () => base64(good())).join(',')],
    ['holds a key', () => leaf().pem + leaf().privateKeyPem],
    ['holds another kind of block', () => leaf().pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')],
    ['has a block that does not end', () => leaf().pem.replace('-----END CERTIFICATE-----', '')],
    ['nests without end', () => base64(Buffer.alloc(4_096, bytes(0x30, 0x80)))],
    ['is a CRL', () => base64(world.authority.crl())],
    ['is a PKCS #7', () => base64(sequence(oid('1.2.840.113549.1.7.2'), explicit(0, sequence(utf8('x')))))],
  ])('%s: credential.malformed', async (_, make) => {
    expect(await answerTo(make())).toEqual(refused('credential.malformed'))
  })
})
