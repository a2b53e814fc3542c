import fc from 'fast-check'
import { it } from 'vitest'
import { equalInConstantTime } from './constant-time.ts'

it('says what === says', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\0'), maxLength: 6 })
  fc.assert(fc.property(text, text, (one, other) => equalInConstantTime(one, other) === (one === other)))
  fc.assert(fc.property(fc.string(), (one) => equalInConstantTime(one, one)))
})
