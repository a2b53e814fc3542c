import fc from 'fast-check'
import { expect, it } from 'vitest'
import { equalInConstantTime } from './constant-time.ts'

it('says what === says', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\0'), maxLength: 6 })
  fc.assert(fc.property(text, text, (one, other) => expect(equalInConstantTime(one, other)).toBe(one === other)))
  fc.assert(fc.property(fc.string(), (one) => expect(equalInConstantTime(one, one)).toBe(true)))
})
