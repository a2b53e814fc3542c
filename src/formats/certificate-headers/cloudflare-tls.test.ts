import { describe, expect, it } from 'vitest'
import { Refusal } from '../../domain/refusal.ts'
import { chainOfTlsClientAuth } from './cloudflare-tls.ts'

const leaf = Uint8Array.from({ length: 301 }, (_, at) => (at * 251) & 0xff)
const above = leaf.map((octet) => octet ^ 0xff)
const field = (der: Uint8Array) => `:${Buffer.from(der).toString('base64')}:`

/** The members of `request.cf.tlsClientAuth` on a connection without a certificate. */
const absent = {
  certPresented: '0',
  certVerified: 'NONE',
  certRevoked: '0',
  certIssuerDN: '',
  certSubjectDN: '',
  certIssuerDNRFC2253: '',
  certSubjectDNRFC2253: '',
  certIssuerDNLegacy: '',
  certSubjectDNLegacy: '',
  certSerial: '',
  certIssuerSerial: '',
  certSKI: '',
  certIssuerSKI: '',
  certFingerprintSHA1: '',
  certFingerprintSHA256: '',
  certNotBefore: '',
  certNotAfter: '',
  certRFC9440: '',
  certRFC9440TooLarge: false,
  certChainRFC9440: '',
  certChainRFC9440TooLarge: false,
}

const good = {
  ...absent,
  certPresented: '1',
  certVerified: 'SUCCESS',
  certSubjectDNRFC2253: 'CN=web',
  certSerial: '0A',
  certNotBefore: 'May  1 00:00:00 2026 GMT',
  certRFC9440: field(leaf),
}

const refusalOf = (value: unknown): string => {
  try {
    chainOfTlsClientAuth(value)
    return 'accepted'
  } catch (thrown) {
    return thrown instanceof Refusal ? thrown.reason : String(thrown)
  }
}

describe('request.cf.tlsClientAuth', () => {
  it('yields what the client presented', () => {
    expect(chainOfTlsClientAuth(good)).toEqual([leaf])
    expect(chainOfTlsClientAuth({ ...good, certChainRFC9440: field(above) })).toEqual([leaf, above])
  })

  it('yields nothing where there is nothing', () => {
    expect(chainOfTlsClientAuth(undefined)).toBeUndefined()
    expect(chainOfTlsClientAuth(null)).toBeUndefined()
    expect(chainOfTlsClientAuth(absent)).toBeUndefined()
  })

  it.each([
    ['not verified', { certVerified: 'FAILED:self signed certificate' }, 'certificate.unverified'],
    ['not looked at', { certVerified: 'NONE' }, 'certificate.unverified'],
    ['without a verdict', { certVerified: undefined }, 'certificate.unverified'],
    ['revoked', { certRevoked: '1' }, 'certificate.unverified'],
    ['that may be revoked', { certRevoked: undefined }, 'certificate.unverified'],
    ['too large', { certRFC9440: '', certRFC9440TooLarge: true }, 'certificate.header_malformed'],
    ['with a chain too large', { certChainRFC9440TooLarge: '1' }, 'certificate.header_malformed'],
    ['that is not there', { certRFC9440: '' }, 'certificate.header_malformed'],
    ['of an older runtime', { certRFC9440: undefined }, 'certificate.header_malformed'],
    [
      'with a list in place of the leaf',
      { certRFC9440: `${field(leaf)}, ${field(leaf)}` },
      'certificate.header_malformed',
    ],
    ['that is a string', { certRFC9440: '"abc"' }, 'certificate.header_malformed'],
    ['of another shape', { certRFC9440: 7 }, 'certificate.header_malformed'],
    ['with another flag', { certPresented: true }, 'certificate.header_malformed'],
  ])('refuses a certificate %s', (_, changes, reason) => {
    expect(refusalOf({ ...good, ...changes })).toBe(reason)
  })

  it('refuses what is no object', () => {
    expect(refusalOf('1')).toBe('certificate.header_malformed')
  })
})
