import { createHash, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Claims } from '../domain/claims.ts'
import { encodeBase64url } from './base64url.ts'
import { publicHalf, signingJwk, verificationJwk } from './signing-key.ts'
import { thumbprint } from './thumbprint.ts'

const digest = { sha256: (text: string) => createHash('sha256').update(text).digest('base64url') }
const octets = (length: number, fill = 1) => encodeBase64url(new Uint8Array(length).fill(fill))
const ofNumber = (number: bigint) => {
  const hex = number.toString(16)
  return encodeBase64url(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'))
}

const example =
  '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'

describe('an RSA key', () => {
  const jwk: Claims = { kty: 'RSA', n: example, e: 'AQAB', kid: '2011-04-29', use: 'sig' }

  it('keeps its public members only', () => {
    expect(publicHalf(jwk, 'RS256')).toEqual({ kty: 'RSA', n: example, e: 'AQAB' })
  })

  it('loses a zero octet that some issuers write in front', () => {
    const padded = encodeBase64url(Buffer.concat([Buffer.of(0), Buffer.from(example, 'base64url')]))
    expect(publicHalf({ ...jwk, n: padded }, 'PS512')).toEqual({ kty: 'RSA', n: example, e: 'AQAB' })
  })

  const least = 1n << 2_047n
  it.each([
    ['a modulus of 2047 bits', { n: ofNumber((1n << 2_046n) + 1n) }, 'has 2048 to 8192 bits'],
    ['a modulus of 8193 bits', { n: ofNumber((1n << 8_192n) + 1n) }, 'has 2048 to 8192 bits'],
    ['an even modulus', { n: ofNumber(least) }, 'modulus is odd'],
    ['no modulus', { n: '' }, 'has 2048 to 8192 bits'],
    ['a modulus that is a number', { n: 7 }, 'lacks a proper "n"'],
    ['the exponent 1', { e: 'AQ' }, 'exponent'],
    ['the exponent 0', { e: 'AA' }, 'exponent'],
    ['an even exponent', { e: 'Ag' }, 'exponent'],
    ['an exponent of five octets', { e: octets(5) }, 'exponent'],
    ['another alphabet', { n: example.replaceAll('-', '+') }, 'alphabet'],
    ['the algorithm of encryption', { alg: 'RSA-OAEP' }, 'not for the algorithm'],
    ['the algorithm of another padding', { alg: 'PS256' }, 'not for the algorithm'],
    ['another type', { kty: 'oct' }, 'has the type RSA'],
  ])('with %s is refused', (_, change, message) => {
    expect(() => publicHalf({ ...jwk, ...change }, 'RS256')).toThrow(message)
  })

  it('that a broken generator made is refused', () => {
    const primes = [
      3n,
      5n,
      7n,
      11n,
      13n,
      17n,
      19n,
      23n,
      29n,
      31n,
      37n,
      41n,
      43n,
      47n,
      53n,
      59n,
      61n,
      67n,
      71n,
      73n,
      79n,
    ]
    const more = [83n, 89n, 97n, 101n, 103n, 107n, 109n, 113n, 127n, 131n, 137n, 139n, 149n, 151n, 157n, 163n, 167n]
    const product = [...primes, ...more].reduce((a, b) => a * b, 2n)
    const power = Array.from({ length: 77 }).reduce<bigint>((a) => (a * 65_537n) % product, 1n)
    const multiple = (least / product + 5n) * product
    expect(() => publicHalf({ ...jwk, n: ofNumber(multiple + power) }, 'RS256')).toThrow('can be factored')
  })
})

describe('an elliptic key', () => {
  const jwk: Claims = { kty: 'EC', crv: 'P-256', x: octets(32), y: octets(32, 2) }

  it.each([
    ['on another curve', { crv: 'P-384' }, 'on the curve P-256'],
    ['with a coordinate that lost its leading zeros', { x: octets(31) }, 'has 32 octets'],
    ['with a coordinate that gained one', { y: octets(33) }, 'has 32 octets'],
    ['without y', { y: null }, 'lacks a proper "y"'],
    ['of another type', { kty: 'OKP' }, 'has the type EC'],
  ])('%s is refused', (_, change, message) => {
    expect(() => publicHalf({ ...jwk, ...change }, 'ES256')).toThrow(message)
  })
})

describe('an Ed25519 key', () => {
  const jwk: Claims = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }

  it('is good under both names of its algorithm', () => {
    for (const alg of ['EdDSA', 'Ed25519'])
      for (const algorithm of ['EdDSA', 'Ed25519'] as const) expect(publicHalf({ ...jwk, alg }, algorithm)).toEqual(jwk)
  })

  it('is not one of Ed448, nor one for key agreement', () => {
    expect(() => publicHalf({ ...jwk, crv: 'Ed448' }, 'EdDSA')).toThrow('on the curve Ed25519')
    expect(() => publicHalf({ ...jwk, crv: 'X25519' }, 'EdDSA')).toThrow('on the curve Ed25519')
  })

  it('has the thumbprint of RFC 8037 appendix A.3', async () => {
    expect(await thumbprint(jwk, 'EdDSA', digest)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  })
})

describe('an ML-DSA key', () => {
  it('must name its algorithm', () => {
    const jwk: Claims = { kty: 'AKP', pub: octets(1_952) }
    expect(() => publicHalf(jwk, 'ML-DSA-65')).toThrow('not for the algorithm')
    expect(() => publicHalf({ ...jwk, alg: 'ML-DSA-44' }, 'ML-DSA-65')).toThrow('not for the algorithm')
    expect(publicHalf({ ...jwk, alg: 'ML-DSA-65' }, 'ML-DSA-65')).toEqual({ ...jwk, alg: 'ML-DSA-65' })
  })
})

describe('private parts', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const jwk: Claims = JSON.parse(JSON.stringify(privateKey.export({ format: 'jwk' })))

  it('make a key unfit for verifying, each alone', () => {
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi']) {
      const shown = { kty: 'RSA', n: jwk['n'] ?? '', e: jwk['e'] ?? '', [member]: jwk[member] ?? '' }
      expect(() => verificationJwk(shown, 'RS256')).toThrow('contains its private part')
    }
  })

  it('are all needed to sign, and nothing else is kept', () => {
    expect(signingJwk({ ...jwk, kid: 'a', use: 'sig' }, 'RS256')).toEqual(jwk)
    const { qi: _, ...incomplete } = jwk
    expect(() => signingJwk(incomplete, 'RS256')).toThrow('lacks a proper "qi"')
  })
})

describe('a thumbprint', () => {
  it('is that of RFC 7638 section 3.1, with and without private members', async () => {
    const expected = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'
    expect(await thumbprint({ kty: 'RSA', n: example, e: 'AQAB' }, 'RS256', digest)).toBe(expected)
    expect(await thumbprint({ e: 'AQAB', d: 'AQ', kid: 'x', n: example, kty: 'RSA' }, 'PS256', digest)).toBe(expected)
  })
})
