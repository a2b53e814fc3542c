import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { claimsToBeSpiffeId, isTrustDomain, parseSpiffeId } from './spiffe-id.ts'

const partsOf = (text: string) => {
  const id = parseSpiffeId(text)
  return id === undefined ? undefined : [id.trustDomain, id.path]
}

/** Every character that a code unit below 256 can be, and some above that look like a letter or a slash. */
const characters = [...Array(256).keys()]
  .map((code) => String.fromCharCode(code))
  .concat('а', 'ａ', '∕', '／', '\u200b')

describe('parseSpiffeId', () => {
  it('takes an ID apart', () => {
    expect(partsOf('spiffe://prod.example.org/ns/default/sa/web')).toEqual(['prod.example.org', '/ns/default/sa/web'])
    expect(partsOf('spiffe://prod.example.org')).toEqual(['prod.example.org', ''])
    expect(partsOf('spiffe://1.2.3.4/a_b-C.9')).toEqual(['1.2.3.4', '/a_b-C.9'])
    expect(partsOf('spiffe://_-./...')).toEqual(['_-.', '/...'])
  })

  it.each([
    ['nothing', ''],
    ['the scheme alone', 'spiffe://'],
    ['no trust domain', 'spiffe:///web'],
    ['an upper-case scheme', 'SPIFFE://prod.example.org/web'],
    ['another scheme', 'https://prod.example.org/web'],
    ['a scheme around it', 'https+spiffe://prod.example.org/web'],
    ['white space before', ' spiffe://prod.example.org/web'],
    ['a line end after', 'spiffe://prod.example.org/web\n'],
    ['one slash', 'spiffe:/prod.example.org/web'],
    ['three slashes', 'spiffe:///prod.example.org/web'],
    ['an upper-case trust domain', 'spiffe://Prod.example.org/web'],
    ['a trust domain beyond ASCII', 'spiffe://prоd.example.org/web'],
    ['user information', 'spiffe://user@prod.example.org/web'],
    ['a port', 'spiffe://prod.example.org:443/web'],
    ['an empty port', 'spiffe://prod.example.org:/web'],
    ['an IPv6 address', 'spiffe://[::1]/web'],
    ['a percent in the trust domain', 'spiffe://prod%2eexample.org/web'],
    ['a percent in the path', 'spiffe://prod.example.org/w%65b'],
    ['a trailing slash', 'spiffe://prod.example.org/web/'],
    ['a path that is a slash', 'spiffe://prod.example.org/'],
    ['an empty segment', 'spiffe://prod.example.org//web'],
    ['the segment .', 'spiffe://prod.example.org/./web'],
    ['the segment ..', 'spiffe://prod.example.org/web/..'],
    ['a query', 'spiffe://prod.example.org/web?x=1'],
    ['an empty query', 'spiffe://prod.example.org/web?'],
    ['a query without a path', 'spiffe://prod.example.org?x'],
    ['a fragment', 'spiffe://prod.example.org/web#x'],
    ['an empty fragment', 'spiffe://prod.example.org/web#'],
    ['a backslash', 'spiffe://prod.example.org\\web'],
    ['NUL', 'spiffe://prod.example.org/web\0.evil'],
    ['a comma and another ID', 'spiffe://prod.example.org/web, URI:spiffe://prod.example.org/admin'],
  ])('refuses %s', (_, text) => {
    expect(parseSpiffeId(text)).toBeUndefined()
  })

  it('takes exactly the characters of the standard, in either part', () => {
    for (const character of characters) {
      expect([character, isTrustDomain(`td${character}`)]).toEqual([character, /[a-z0-9._-]/.test(character)])
      const inPath = partsOf(`spiffe://td/path${character}x`)
      expect([character, inPath !== undefined]).toEqual([character, /[a-zA-Z0-9._/-]/.test(character)])
    }
  })

  it('takes a trust domain of 255 bytes and an ID of 2048, and nothing longer', () => {
    expect(partsOf(`spiffe://${'a'.repeat(255)}/x`)).toBeDefined()
    expect(partsOf(`spiffe://${'a'.repeat(256)}/x`)).toBeUndefined()
    const path = (length: number) => `spiffe://td/${'x'.repeat(length - 'spiffe://td/'.length)}`
    expect(partsOf(path(2_048))).toBeDefined()
    expect(partsOf(path(2_049))).toBeUndefined()
  })

  it('holds nothing that could be read in another way', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'aZ0./:@?#%-_\\ é'.split('')) }), (rest) => {
        const id = parseSpiffeId(`spiffe://${rest}`)
        if (id === undefined) return
        const url = new URL(id.text.replace('spiffe:', 'web+spiffe:'))
        expect([url.host, url.pathname, url.search, url.hash, url.username]).toEqual([
          id.trustDomain,
          id.path,
          '',
          '',
          '',
        ])
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('claimsToBeSpiffeId', () => {
  it('sees the scheme in any case and wherever it leads', () => {
    for (const text of ['spiffe://x', 'SPIFFE://x', 'Spiffe:', 'spiffe:opaque'])
      expect(claimsToBeSpiffeId(text)).toBe(true)
    for (const text of ['', 'spiffe', 'xspiffe://x', 'https://spiffe://x']) expect(claimsToBeSpiffeId(text)).toBe(false)
  })
})
