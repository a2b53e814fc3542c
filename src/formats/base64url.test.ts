import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { FormatError } from './format-error.ts'

describe('base64url', () => {
  it('gives back what it was given, in the spelling of the platform', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = encodeBase64url(bytes)
        expect(text).toBe(Buffer.from(bytes).toString('base64url'))
        expect(decodeBase64url(text)).toEqual(bytes)
      }),
    )
  })

  it('accepts exactly one spelling of every value', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'AQgwBCz09-_=+/ \n'.split('')), maxLength: 12 }), (text) => {
        const canonical = Buffer.from(text, 'base64url').toString('base64url') === text
        if (canonical) expect(encodeBase64url(decodeBase64url(text))).toBe(text)
        else expect(() => decodeBase64url(text)).toThrow(FormatError)
      }),
    )
  })

  it.each(['A', 'AAAAA', 'AB', 'AAB', 'AA==', 'AA+A', 'AA/A', ' AAA', 'AAA\n', 'AA.A', 'AÄAA', 'AA😀'])(
    'refuses %j',
    (text) => {
      expect(() => decodeBase64url(text)).toThrow(FormatError)
    },
  )
})
