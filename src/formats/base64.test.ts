import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { FormatError } from './format-error.ts'

describe('base64', () => {
  it('reads what it writes, as everybody else does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = encodeBase64(bytes)
        expect(text).toBe(Buffer.from(bytes).toString('base64'))
        expect(decodeBase64(text)).toEqual(bytes)
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['no padding', 'AA'],
    ['too much padding', 'A==='],
    ['padding alone', '===='],
    ['padding inside', 'AA==AAAA'],
    ['unused bits set', 'AB=='],
    ['white space', 'AAAA AAA'],
    ['a line end', 'AAAAAAA\n'],
    ['the other alphabet', 'AA-_'],
    ['a letter of another script', 'АAAA'],
  ])('refuses %s', (_, text) => {
    expect(() => decodeBase64(text)).toThrow(FormatError)
  })
})
