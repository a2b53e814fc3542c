import { describe, expect, it } from 'vitest'
import { canonicalAddress, isPlainAddress } from './ip-address.ts'

describe('an address', () => {
  it.each([
    ['10.0.0.7', '10.0.0.7'],
    ['2001:DB8:0:0::7', '2001:db8::7'],
    ['2001:db8::7', '2001:db8::7'],
    ['::', '::'],
  ])('%s is %s', (written, canonical) => {
    expect(isPlainAddress(written)).toBe(true)
    expect(canonicalAddress(written)).toBe(canonical)
  })

  it.each(['', '10.0.7', '0x0a000007', '010.0.0.7', '10.0.0.7/32', 'fe80::1%eth0', '::10.0.0.7', '[::1]', 'localhost'])(
    '%j is none',
    (written) => {
      expect(isPlainAddress(written)).toBe(false)
      expect(canonicalAddress(written)).toBeUndefined()
    },
  )
})
