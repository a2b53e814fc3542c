import { describe, expect, it } from 'vitest'
import { FormatError } from './format-error.ts'
import { claimsOf, looksLikeJws, parseCompactJws } from './jws.ts'
import { HeaderError, signatureHeader } from './jws-header.ts'

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const token = (header: unknown, payload: unknown, signature = 'AAAA') =>
  `${encode(header)}.${encode(payload)}.${signature}`
const good = { alg: 'ES256', kid: 'k1', typ: 'JWT' }

describe('parseCompactJws', () => {
  it('takes a compact JWS apart', () => {
    const jws = parseCompactJws(token(good, { sub: 'ada' }))
    expect(jws.header).toEqual(good)
    expect(claimsOf(jws)).toEqual({ sub: 'ada' })
    expect(jws.signingInput).toBe(`${encode(good)}.${encode({ sub: 'ada' })}`)
    expect(jws.signature).toEqual(new Uint8Array(3))
  })

  it.each([
    ['nothing', ''],
    ['two parts', 'e30.e30'],
    ['four parts', 'e30.e30.e30.e30'],
    ['five parts, as a JWE has', 'e30.e30.e30.e30.e30'],
    ['an empty header', '.e30.AAAA'],
    ['padding', `${encode(good)}=.e30.AAAA`],
    ['unused bits in the signature', token(good, {}, 'AB')],
    ['a header that is a list', token([], {})],
    ['a header that is not JSON', token('{alg:none}', {})],
    ['a header with alg twice', token('{"alg":"ES256","alg":"none"}', {})],
    ['a header of 5,000 characters', token({ ...good, pad: 'x'.repeat(5_000) }, {})],
    ['a header that is not UTF-8', `${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.e30.AAAA`],
    ['the JSON serialization', JSON.stringify({ payload: 'e30', protected: encode(good), signature: 'AAAA' })],
    ['a bearer prefix', `Bearer ${token(good, {})}`],
  ])('refuses %s', (_, text) => {
    expect(() => parseCompactJws(text)).toThrow(FormatError)
  })

  it.each([
    ['a list', '[]'],
    ['a text', '"a"'],
    ['null', 'null'],
    ['a repeated claim', '{"sub":"a","sub":"b"}'],
    ['a byte order mark', '\uFEFF{}'],
  ])('refuses a payload that is %s', (_, payload) => {
    expect(() => claimsOf(parseCompactJws(token(good, payload)))).toThrow(FormatError)
  })

  it('tells opaque tokens from signed ones', () => {
    expect(looksLikeJws(token(good, {}))).toBe(true)
    for (const text of ['', 'opaque', 'a.b', '.a.b', 'a..', 'a.b.c.d']) expect(looksLikeJws(text)).toBe(text === 'a..')
  })
})

describe('signatureHeader', () => {
  it('yields algorithm and key id', () => {
    expect(signatureHeader(good, ['ES256'])).toEqual({ alg: 'ES256', kid: 'k1' })
    expect(signatureHeader({ alg: 'RS256' }, ['ES256', 'RS256'])).toEqual({ alg: 'RS256' })
  })

  it.each([
    ['none', { alg: 'none' }, 'algorithm'],
    ['None', { alg: 'None' }, 'algorithm'],
    ['HS256', { alg: 'HS256' }, 'algorithm'],
    ['es256', { alg: 'es256' }, 'algorithm'],
    ['an algorithm off the list', { alg: 'ES384' }, 'algorithm'],
    ['no algorithm', {}, 'algorithm'],
    ['a list of algorithms', { alg: ['ES256'] }, 'algorithm'],
    ['an inherited algorithm', { alg: 'constructor' }, 'algorithm'],
    ...['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'zip', 'cty', 'enc'].map(
      (name) => [name, { ...good, [name]: name === 'crit' ? ['exp'] : 'x' }, 'parameter'] as const,
    ),
    ['kid 7', { alg: 'ES256', kid: 7 }, 'kid'],
    ['an empty kid', { alg: 'ES256', kid: '' }, 'kid'],
    ['a kid of 10,000 characters', { alg: 'ES256', kid: 'k'.repeat(10_000) }, 'kid'],
  ] as const)('refuses %s', (_, header, fault) => {
    const attempt = () => signatureHeader(header, ['ES256'])
    expect(attempt).toThrow(HeaderError)
    expect(attempt).toThrow(expect.objectContaining({ fault }))
  })
})
