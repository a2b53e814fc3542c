import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CertificateOptions,
  commonName,
  generalNames,
  type TestExtension,
  testAuthority,
  testKey,
  type WrongThings,
} from '../../../test/world/certificates.ts'
import {
  bitString,
  boolean,
  bytes,
  explicit,
  generalizedTime,
  implicit,
  integer,
  nothing,
  octetString,
  oid,
  printable,
  sequence,
  setOf,
  time,
  tlv,
  utf8,
} from '../../../test/world/der.ts'
import { isSelfIssued, parseCertificate } from './certificate.ts'

const authority = testAuthority('authority')
const key = testKey()

const issue = (options: CertificateOptions = {}) => authority.issue({ key, ...options }).der
const parse = (options: CertificateOptions = {}) => parseCertificate(issue(options))
const withExtension = (extension: TestExtension) => issue({ extensions: [extension] })
const wrong = (things: WrongThings) => issue({ wrong: things })
const from = (seconds: number) => time(seconds)

describe('a certificate', () => {
  it('is taken apart', () => {
    const certificate = parse({
      subject: 'client',
      serial: 0x80ffn,
      notBefore: 1_700_000_000,
      notAfter: 1_800_000_000,
      uris: ['spiffe://example.org/a'],
      dns: ['a.example.org'],
    })
    expect(certificate).toMatchObject({
      serial: '80ff',
      notBefore: 1_700_000_000,
      notAfter: 1_800_000_000,
      key: { kind: 'ec', curve: 'P-256' },
      signatureScheme: { family: 'ecdsa', hash: 'SHA-256' },
      extensions: {
        basicConstraints: { critical: true, ca: false },
        keyUsage: { critical: true, usages: new Set(['digitalSignature']) },
        extendedKeyUsage: { purposes: ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'] },
        subjectAltName: {
          critical: false,
          names: [
            { type: 'uri', value: 'spiffe://example.org/a' },
            { type: 'dns', value: 'a.example.org' },
          ],
        },
        unknownCritical: [],
      },
    })
    expect(isSelfIssued(certificate)).toBe(false)
    expect(isSelfIssued(parseCertificate(authority.der))).toBe(true)
  })

  it.each([
    ['P-384', { kind: 'ec', curve: 'P-384' }],
    ['P-521', { kind: 'ec', curve: 'P-521' }],
    ['secp256k1', { kind: 'other' }],
    ['Ed25519', { kind: 'ed25519' }],
    ['RSA-2048', { kind: 'rsa', bits: 2_048, exponent: 65_537n }],
    ['RSA-1024', { kind: 'rsa', bits: 1_024, exponent: 65_537n }],
  ] as const)('tells of a key of the kind %s', (kind, expected) => {
    expect(parseCertificate(testAuthority('other', { key: kind }).der).key).toMatchObject(expected)
  })

  it('may carry what no one has a use for', () => {
    expect(() => parseCertificate(wrong({ appended: implicit(1, bytes(0, 1)) }))).not.toThrow()
    expect(() => parseCertificate(withExtension({ oid: '1.2.3.4', value: bytes(1, 2, 3) }))).not.toThrow()
  })

  it('keeps critical extensions that are not understood by their name', () => {
    const der = withExtension({ oid: '1.2.3.4', critical: true, value: nothing() })
    expect(parseCertificate(der).extensions.unknownCritical).toEqual(['1.2.3.4'])
  })
})

/** What, how, and the exact message. */
type Hostile = readonly (readonly [what: string, der: () => Uint8Array, message: string])[]

const structures: Hostile = [
  ['of version 1', () => wrong({ version: null }), 'the certificate is not of version 3'],
  ['that writes version 1 out', () => wrong({ version: 0 }), 'the certificate is not of version 3'],
  ['of version 2', () => wrong({ version: 1 }), 'the certificate is not of version 3'],
  ['of version 4', () => wrong({ version: 3 }), 'the certificate is not of version 3'],
  ['with a serial number of 21 octets', () => issue({ serial: 1n << 160n }), 'the serial number is too long'],
  [
    'with a padded serial number',
    () => wrong({ serial: tlv(0x02, bytes(0, 1)) }),
    'the DER has a value that is not in its canonical form',
  ],
  [
    'with another algorithm inside',
    () =>
      wrong({
        innerAlgorithm: sequence(oid('1.2.840.10045.4.3.3')),
        outerAlgorithm: sequence(oid('1.2.840.10045.4.3.2')),
      }),
    'the signature algorithm inside is not the one outside',
  ],
  [
    'with other parameters inside',
    () => wrong({ innerAlgorithm: sequence(oid('1.2.3'), nothing()), outerAlgorithm: sequence(oid('1.2.3')) }),
    'the signature algorithm inside is not the one outside',
  ],
  [
    'with NULL parameters for ECDSA',
    () => wrong({ innerAlgorithm: sequence(oid('1.2.840.10045.4.3.2'), nothing()) }),
    'the parameters of a signature algorithm are not the ones it has',
  ],
  [
    'without parameters for RSA',
    () => wrong({ innerAlgorithm: sequence(oid('1.2.840.113549.1.1.11')) }),
    'the parameters of a signature algorithm are not the ones it has',
  ],
  ['without a name of the issuer', () => wrong({ issuer: sequence() }), 'the issuer has no name'],
  ['without a name of the subject', () => issue({ subject: sequence() }), 'the subject has no name'],
  [
    'without a name of the subject and with names that are not critical',
    () => issue({ subject: sequence(), dns: ['a.example.org'] }),
    'the subject has no name',
  ],
  ['of an authority without a name', () => issue({ subject: sequence(), ca: true }), 'the authority has no name'],
  [
    'with times of another type',
    () => wrong({ validity: sequence(utf8('240101000000Z'), from(0)) }),
    'a time is of the wrong type',
  ],
  [
    'with a time that does not exist',
    () => wrong({ validity: sequence(tlv(0x17, Buffer.from('240230000000Z')), from(0)) }),
    'a time does not exist',
  ],
  [
    'with three times',
    () => wrong({ validity: sequence(from(0), from(1), from(2)) }),
    'the DER has a field that does not belong there',
  ],
  ['with one time', () => wrong({ validity: sequence(from(0)) }), 'a field is missing in the DER'],
  ['with an empty list of extensions', () => wrong({ extensions: sequence() }), 'a list in the DER is empty'],
  [
    'with an extension twice',
    () =>
      issue({
        extensions: [
          { oid: '1.2.3', value: nothing() },
          { oid: '1.2.3', value: nothing() },
        ],
      }),
    'an extension is there twice',
  ],
  [
    'with critical FALSE written out',
    () => wrong({ extensions: sequence(sequence(oid('1.2.3'), boolean(false), octetString(nothing()))) }),
    'a default value is written out',
  ],
  [
    'with a field after the extensions',
    () => wrong({ appended: explicit(3, sequence(sequence(oid('1.2.3'), octetString(nothing())))) }),
    'the DER has a field that does not belong there',
  ],
  [
    'with a malformed unique identifier',
    () => wrong({ appended: implicit(2, bytes(9, 1)) }),
    'a unique identifier is malformed',
  ],
  ['with trailing octets', () => Buffer.concat([issue(), bytes(0)]), 'the DER cannot be read'],
  ['larger than 64 KiB', () => new Uint8Array(65_537), 'the DER is too large'],
  ['that is no certificate', () => nothing(), 'a field of the DER has the wrong type'],
  [
    'whose signature has unused bits',
    () => sequence(sequence(), sequence(oid('1.2.3')), bitString(bytes(0x80), 7)),
    'the signature is malformed',
  ],
  [
    'with an indefinite length',
    () => Buffer.concat([bytes(0x30, 0x80), issue().subarray(4), bytes(0, 0)]),
    'the DER is not in its canonical form',
  ],
]

const keyInfo = (parameters: Uint8Array, point: Uint8Array) =>
  wrong({ spki: sequence(sequence(oid('1.2.840.10045.2.1'), parameters), point) })
const p256 = oid('1.2.840.10045.3.1.7')

const keys: Hostile = [
  ['with a compressed point', () => keyInfo(p256, bitString(new Uint8Array(33).fill(2))), 'a public key is malformed'],
  [
    'with a point of another size',
    () => keyInfo(p256, bitString(new Uint8Array(64).fill(4))),
    'a public key is malformed',
  ],
  [
    'with unused bits in the key',
    () => keyInfo(p256, bitString(new Uint8Array(65).fill(4), 2)),
    'a public key is malformed',
  ],
  [
    'with parameters for Ed25519',
    () => wrong({ spki: sequence(sequence(oid('1.3.101.112'), nothing()), bitString(new Uint8Array(32))) }),
    'a public key is malformed',
  ],
  [
    'with a short key for Ed25519',
    () => wrong({ spki: sequence(sequence(oid('1.3.101.112')), bitString(new Uint8Array(31))) }),
    'a public key is malformed',
  ],
  [
    'with an RSA key without parameters',
    () => wrong({ spki: sequence(sequence(oid('1.2.840.113549.1.1.1')), bitString(sequence(integer(7), integer(3)))) }),
    'a public key is malformed',
  ],
  [
    'with a negative RSA modulus',
    () =>
      wrong({
        spki: sequence(sequence(oid('1.2.840.113549.1.1.1'), nothing()), bitString(sequence(integer(-7), integer(3)))),
      }),
    'a public key is malformed',
  ],
  [
    'with an enormous RSA exponent',
    () =>
      wrong({
        spki: sequence(
          sequence(oid('1.2.840.113549.1.1.1'), nothing()),
          bitString(sequence(integer(7), integer(1n << 80n))),
        ),
      }),
    'a public key is malformed',
  ],
]

describe.each([
  ['structure', structures],
  ['key', keys],
] as const)('by its %s', (_kind, hostile) => {
  it.each(hostile)('refuses a certificate %s', (_what, der, message) => {
    expect(() => parseCertificate(der())).toThrow(expect.objectContaining({ name: 'FormatError', message }))
  })
})

describe('any certificate', () => {
  it('is refused by FormatError alone, whatever is done to its bytes', () => {
    const good = issue({
      subject: sequence(setOf(sequence(oid('2.5.4.3'), utf8('a')), sequence(oid('2.5.4.10'), printable('b')))),
      uris: ['spiffe://example.org/a'],
      dns: ['a.example.org'],
      emails: ['a@example.org'],
      ips: [bytes(192, 0, 2, 1)],
      otherNames: [generalNames.directory(commonName('x')), generalNames.other('1.2.3', utf8('y'))],
    })
    const index = fc.nat({ max: good.length - 1 })
    const changed = fc.oneof(
      fc
        .array(fc.tuple(index, fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 })
        .map((changes) =>
          Uint8Array.from(good).map((octet, at) => changes.find(([place]) => place === at)?.[1] ?? octet),
        ),
      index.map((length) => good.subarray(0, length)),
      fc
        .tuple(index, fc.uint8Array({ minLength: 1, maxLength: 9 }))
        .map(([at, more]) => Buffer.concat([good.subarray(0, at), more, good.subarray(at)])),
    )
    fc.assert(
      fc.property(changed, (der) => {
        try {
          parseCertificate(der)
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: 'FormatError' })
        }
      }),
      { numRuns: 1_500 },
    )
  })

  it('costs little to refuse, however large', () => {
    const many = sequence(...Array.from({ length: 32_000 }, () => tlv(0x05)))
    const startedAt = performance.now()
    expect(() => parseCertificate(many)).toThrow('too many elements')
    expect(performance.now() - startedAt).toBeLessThan(500)
  })

  it('may be valid beyond 2049, and may say earlier dates in the same form', () => {
    const validity = sequence(generalizedTime(1_700_000_000), generalizedTime(4_000_000_000))
    expect(parseCertificate(wrong({ validity }))).toMatchObject({ notBefore: 1_700_000_000, notAfter: 4_000_000_000 })
  })
})
