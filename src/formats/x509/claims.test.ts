import { describe, expect, it } from 'vitest'
import {
  type CertificateOptions,
  generalNames,
  nameOf,
  testAuthority,
  testKey,
} from '../../../test/world/certificates.ts'
import { bytes, explicit, ia5, integer, oid, printable, sequence, setOf, tlv, utf8 } from '../../../test/world/der.ts'
import { parseCertificate } from './certificate.ts'
import { alternativeNames, certificateClaims, distinguishedName } from './claims.ts'

const key = testKey()
const authority = testAuthority('authority', {
  subject: nameOf(['2.5.4.6', printable('DE')], ['2.5.4.10', 'Example'], ['2.5.4.3', 'CA']),
})
const issued = (options: CertificateOptions) => parseCertificate(authority.issue({ key, ...options }).der)
const subjectOf = (...attributes: readonly (readonly [type: string, value: string])[]) =>
  issued({ subject: nameOf(...attributes) }).subject

/** KRB5PrincipalName (RFC 4556 section 3.2.2), whose texts are GeneralStrings. */
const kerberosName = (realm: string, principal: string) => {
  const text = (value: string) => tlv(0x1b, Buffer.from(value))
  const name = sequence(explicit(0, integer(1)), explicit(1, sequence(text(principal))))
  return sequence(explicit(0, text(realm)), explicit(1, name))
}

describe('the claims of a certificate', () => {
  it('are its names, its number, its time and the policies of its path', () => {
    const certificate = issued({
      subject: nameOf(
        ['0.9.2342.19200300.100.1.25', ia5('org')],
        ['0.9.2342.19200300.100.1.25', ia5('example')],
        ['2.5.4.11', 'Payments'],
        ['2.5.4.3', 'billing'],
      ),
      serial: 0xabcn,
      notBefore: 1_700_000_000,
      notAfter: 1_800_000_000,
      uris: ['spiffe://example.org/billing'],
      dns: ['Billing.example.org'],
      emails: ['ops@example.org'],
      ips: [bytes(192, 0, 2, 1), Buffer.from('20010db8000000000000000000000001', 'hex')],
      otherNames: [
        generalNames.other('1.2.3', utf8('ignored')),
        generalNames.other('1.3.6.1.5.2.2', kerberosName('EXAMPLE.ORG', 'billing')),
      ],
    })
    expect(certificateClaims(certificate, ['1.2.3'])).toEqual({
      subject: {
        dn: 'CN=billing,OU=Payments,DC=example,DC=org',
        DC: ['org', 'example'],
        OU: ['Payments'],
        CN: 'billing',
      },
      issuer: { dn: 'CN=CA,O=Example,C=DE', C: 'DE', O: 'Example', CN: 'CA' },
      san: {
        dns: ['Billing.example.org'],
        email: ['ops@example.org'],
        uri: ['spiffe://example.org/billing'],
        ip: ['192.0.2.1', '2001:db8::1'],
      },
      serial: '0abc',
      not_before: 1_700_000_000,
      not_after: 1_800_000_000,
      policies: ['1.2.3'],
    })
  })

  it('are empty lists where there are no alternative names', () => {
    expect(alternativeNames(issued({}))).toEqual({ dns: [], email: [], uri: [], ip: [] })
  })

  it('make a list of what is there twice, so that nothing is chosen', () => {
    const certificate = issued({ subject: nameOf(['2.5.4.3', 'a'], ['2.5.4.3', 'admin'], ['1.2.3.4', 'x']) })
    expect(certificateClaims(certificate, [])['subject']).toEqual({
      dn: '1.2.3.4=#0c0178,CN=admin,CN=a',
      CN: ['a', 'admin'],
      '1.2.3.4': 'x',
    })
  })

  it('leave out values that are no text', () => {
    const certificate = issued({
      subject: nameOf(['2.5.4.3', 'a'], ['2.5.4.45', integer(1)], ['2.5.4.10', tlv(0x14, bytes(0xe4))]),
    })
    expect(certificateClaims(certificate, [])['subject']).toEqual({ dn: 'O=#1401e4,2.5.4.45=#020101,CN=a', CN: 'a' })
  })

  it('cannot be made to say something else by the name of an attribute', () => {
    const certificate = issued({ subject: nameOf(['2.5.4.3', 'a'], ['2.5.4.10', 'dn=CN=admin']) })
    expect(certificateClaims(certificate, [])['subject']).toMatchObject({
      dn: 'O=dn=CN=admin,CN=a',
    })
  })
})

describe('a distinguished name', () => {
  it.each([
    ['Lučić', 'CN=Lučić'],
    ['James "Jim" Smith, III', 'CN=James \\"Jim\\" Smith\\, III'],
    ['a+b;c<d>e\\f', 'CN=a\\+b\\;c\\<d\\>e\\\\f'],
    ['#a', 'CN=\\#a'],
    [' a ', 'CN=\\ a\\ '],
    [' ', 'CN=\\ '],
    ['a', 'CN=a'],
    ['\\ ', 'CN=\\\\\\ '],
  ])('with the value %j is written %s', (value, text) => {
    expect(distinguishedName(subjectOf(['2.5.4.3', value]))).toBe(text)
  })

  it('joins attributes of one step by a plus', () => {
    const subject = sequence(setOf(sequence(oid('2.5.4.3'), utf8('a')), sequence(oid('2.5.4.5'), printable('7'))))
    expect(distinguishedName(issued({ subject }).subject)).toBe('CN=a+serialNumber=7')
  })

  it('is the empty text of an empty name', () => {
    expect(distinguishedName({ steps: [], raw: '' })).toBe('')
  })
})
