import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  algorithmOf,
  commonName,
  extension,
  generalNames,
  oids,
  type TestExtension,
  testAuthority,
} from '../../../test/world/certificates.ts'
import {
  bitString,
  bytes,
  type Der,
  explicit,
  flagOctets,
  implicit,
  integer,
  nothing,
  sequence,
  time,
  tlv,
} from '../../../test/world/der.ts'
import { parseCrl } from './crl.ts'

const authority = testAuthority('authority')
const withExtension = (...extensions: readonly TestExtension[]) => authority.crl({ extensions })
const ofEntry = (...extensions: readonly TestExtension[]) => authority.crl({ revoked: [{ serial: 1n, extensions }] })
const scope = (...fields: readonly Der[]) =>
  withExtension({ oid: oids.issuingDistributionPoint, critical: true, value: sequence(...fields) })
const reason = (octet: number) => ofEntry({ oid: oids.reasonCode, value: tlv(0x0a, bytes(octet)) })

describe('a CRL', () => {
  it('is taken apart', () => {
    const crl = parseCrl(
      authority.crl({
        number: 7n,
        thisUpdate: 1_700_000_000,
        nextUpdate: 1_800_000_000,
        revoked: [
          { serial: 0x80n, at: 1_690_000_000, extensions: [{ oid: oids.reasonCode, value: tlv(0x0a, bytes(1)) }] },
        ],
      }),
    )
    expect(crl).toMatchObject({
      thisUpdate: 1_700_000_000,
      nextUpdate: 1_800_000_000,
      entries: [{ serial: '80', revokedAt: 1_690_000_000, extensions: { reason: 1 } }],
      extensions: { number: 7n, unknownCritical: [] },
      signatureScheme: { family: 'ecdsa', hash: 'SHA-256' },
    })
  })

  it('may hold an empty list of entries, as GnuTLS writes it', () => {
    const tbs = sequence(
      integer(1),
      algorithmOf('P-256'),
      authority.subject,
      time(1_700_000_000),
      time(1_800_000_000),
      sequence(),
      explicit(0, sequence(extension({ oid: oids.crlNumber, value: integer(1) }))),
    )
    const der = sequence(tbs, algorithmOf('P-256'), bitString(bytes(1)))
    expect(parseCrl(der)).toMatchObject({ entries: [], extensions: { number: 1n } })
  })

  it.each([
    ['with a critical number', () => withExtension({ oid: oids.crlNumber, critical: true, value: integer(1) })],
    ['with a negative number', () => authority.crl({ number: -1n })],
    ['with a number of 21 octets', () => authority.crl({ number: 1n << 160n })],
    [
      'with a delta indicator that is not critical',
      () => withExtension({ oid: oids.deltaCrlIndicator, value: integer(1) }),
    ],
    [
      'with a scope that is not critical',
      () => withExtension({ oid: oids.issuingDistributionPoint, value: sequence(implicit(1, bytes(0xff))) }),
    ],
    ['with an empty scope', () => scope()],
    ['with FALSE written out', () => scope(implicit(1, bytes(0)))],
    ['for users and authorities only', () => scope(implicit(1, bytes(0xff)), implicit(2, bytes(0xff)))],
    ['with reasons that do not exist', () => scope(implicit(3, flagOctets([9])))],
    [
      'with fields out of order',
      () => scope(implicit(2, bytes(0xff)), explicit(0, explicit(0, generalNames.dns('a.example')))),
    ],
    ['with a reason that does not exist', () => reason(7)],
    ['with a reason beyond the last', () => reason(11)],
    ['with a critical reason', () => ofEntry({ oid: oids.reasonCode, critical: true, value: tlv(0x0a, bytes(1)) })],
    [
      'with two issuers of one entry',
      () =>
        ofEntry({
          oid: oids.certificateIssuer,
          critical: true,
          value: sequence(generalNames.directory(commonName('a')), generalNames.directory(commonName('b'))),
        }),
    ],
    [
      'with an issuer of an entry that is not critical',
      () => ofEntry({ oid: oids.certificateIssuer, value: sequence(generalNames.directory(commonName('a'))) }),
    ],
    [
      'with an extension twice',
      () => withExtension({ oid: '1.2.3', value: nothing() }, { oid: '1.2.3', value: nothing() }),
    ],
    ['without an issuer', () => authority.crl({ issuer: sequence() })],
    ['larger than 1 MiB', () => new Uint8Array(1_048_577)],
    ['that is a certificate', () => authority.der],
  ])('is refused %s', (_what, der) => {
    expect(() => parseCrl(der())).toThrow(expect.objectContaining({ name: 'FormatError' }))
  })

  it('is refused by FormatError alone, whatever is done to its bytes', () => {
    const good = authority.crl({
      revoked: [{ serial: 5n, extensions: [{ oid: oids.reasonCode, value: tlv(0x0a, bytes(1)) }] }, { serial: 6n }],
    })
    const changed = fc
      .array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 })
      .map((changes) => Uint8Array.from(good).map((octet, at) => changes.find(([index]) => index === at)?.[1] ?? octet))
    fc.assert(
      fc.property(changed, (der) => {
        try {
          parseCrl(der)
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: 'FormatError' })
        }
      }),
      { numRuns: 800 },
    )
  })
})
