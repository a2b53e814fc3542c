import { describe, expect, it } from 'vitest'
import { testAuthority } from '../../test/world/certificates.ts'
import { FormatError } from './format-error.ts'
import { parseSpiffeBundle } from './spiffe-bundle.ts'

const root = testAuthority('prod root', { uris: ['spiffe://prod.example.org'] })
const other = testAuthority('other root')
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

const ec = { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' }
const authority = { ...ec, use: 'x509-svid', x5c: [base64(root.der)] }
const jwtKey = { ...ec, use: 'jwt-svid', kid: 'one' }

const parsed = (keys: readonly unknown[], members: object = {}) =>
  parseSpiffeBundle(JSON.stringify({ keys, ...members }))

/** How many authorities, JWT keys and unusable entries `keys` come to. */
const counts = (...keys: readonly unknown[]) => {
  const { authorities, jwtKeys, unusable } = parsed(keys)
  return [authorities.length, (jwtKeys['keys'] as readonly unknown[]).length, unusable]
}

describe('parseSpiffeBundle', () => {
  it('reads authorities, keys of JWT-SVIDs, the sequence number and the refresh hint', () => {
    const bundle = parsed([authority, jwtKey], { spiffe_sequence: 7, spiffe_refresh_hint: 600 })
    expect(bundle).toMatchObject({ sequence: 7, refreshHint: 600, unusable: 0 })
    expect(bundle.authorities.map(({ der }) => base64(der))).toEqual([base64(root.der)])
    expect(bundle.jwtKeys).toEqual({ keys: [{ ...ec, kid: 'one' }] })
  })

  it('needs neither, and no keys either: then the domain has revoked all of them', () => {
    expect(parsed([])).toEqual({ authorities: [], jwtKeys: { keys: [] }, unusable: 0 })
  })

  it('reads the authorities in PEM', () => {
    const bundle = parseSpiffeBundle(`\n# the roots\n${root.pem}${other.pem}`)
    expect(bundle.authorities).toHaveLength(2)
    expect(bundle.jwtKeys).toEqual({ keys: [] })
  })

  it('takes the first certificate of an entry and ignores the others', () => {
    const { authorities } = parsed([{ ...authority, x5c: [base64(root.der), base64(other.der), 'rubbish'] }])
    expect(authorities.map(({ der }) => base64(der))).toEqual([base64(root.der)])
  })

  it('passes over what is of an unknown type or use, or of none', () => {
    const { use: _, ...useless } = jwtKey
    const { kty: __, ...typeless } = jwtKey
    const unknown = [useless, typeless, { ...jwtKey, use: 'wit-svid' }, { ...jwtKey, use: 'JWT-SVID' }]
    expect(
      counts(...unknown, { ...jwtKey, use: 'sig' }, { ...jwtKey, kty: 'AKP' }, { ...authority, kty: 'oct' }),
    ).toEqual([0, 0, 0])
  })

  it.each([
    ['an authority without x5c', { ...ec, use: 'x509-svid' }],
    ['an authority with an empty x5c', { ...authority, x5c: [] }],
    ['an authority whose x5c is a text', { ...authority, x5c: base64(root.der) }],
    ['an authority that is no certificate', { ...authority, x5c: ['AAAA'] }],
    [
      'an authority with bytes after it',
      { ...authority, x5c: [base64(Buffer.concat([root.der, Buffer.of(0, 0, 0)]))] },
    ],
    ['an authority in base64url', { ...authority, x5c: [Buffer.from(root.der).toString('base64url')] }],
    ['a key of JWT-SVIDs without kid', { ...ec, use: 'jwt-svid' }],
    ['a key of JWT-SVIDs with an empty kid', { ...jwtKey, kid: '' }],
    ['a private EC key', { ...jwtKey, d: 'AAAA' }],
    ['a private RSA key', { ...jwtKey, kty: 'RSA', p: 'AAAA' }],
    ['a symmetric key by another name', { ...jwtKey, k: 'AAAA' }],
    ['an authority with its private key', { ...authority, d: 'AAAA' }],
  ])('trusts no key that is %s', (_, key) => {
    expect(counts(key, authority)).toEqual([1, 0, 1])
  })

  it.each([
    ['nothing', ''],
    ['a text', 'bundle'],
    ['a list', '[]'],
    ['no keys', '{}'],
    ['keys that are no list', '{"keys": {}}'],
    ['a key that is no object', '{"keys": [1]}'],
    ['keys twice', '{"keys": [], "keys": []}'],
    ['a use twice', '{"keys": [{"kty": "EC", "use": "wit-svid", "use": "jwt-svid"}]}'],
    ['too many keys', JSON.stringify({ keys: Array.from({ length: 101 }, () => jwtKey) })],
    ['a sequence number that is a text', '{"keys": [], "spiffe_sequence": "1"}'],
    ['a broken sequence number', '{"keys": [], "spiffe_sequence": 1.5}'],
    ['a negative sequence number', '{"keys": [], "spiffe_sequence": -1}'],
    ['a sequence number without end', '{"keys": [], "spiffe_sequence": 1e999}'],
    ['a hint that is null', '{"keys": [], "spiffe_refresh_hint": null}'],
    ['a bundle map', '{"trust_domains": {"prod.example.org": {"keys": []}}}'],
    ['a private key in PEM', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'],
    ['PEM that is no certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
  ])('refuses %s', (_, text) => {
    expect(() => parseSpiffeBundle(text)).toThrow(FormatError)
  })

  it('keeps the order of sequence numbers of 64 bits', () => {
    const sequence = (text: string) => parseSpiffeBundle(`{"keys": [], "spiffe_sequence": ${text}}`).sequence ?? 0
    expect(sequence('18446744073709551615')).toBeGreaterThan(sequence('9007199254740993'))
    expect(sequence('9007199254740993')).toBeGreaterThanOrEqual(sequence('9007199254740992'))
  })
})
