import { generateKeyPairSync, sign, verify } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rawFromStrictDer } from '../../runtimes/web/ecdsa-der.ts'
import { derOfEcdsaValue } from './ecdsa-value.ts'

const curves = [
  ['P-256', 32],
  ['P-384', 48],
  ['P-521', 66],
] as const

describe('an ECDSA SignatureValue', () => {
  it.each(curves)('of %s verifies as DER', (curve) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve })
    const data = Buffer.from('what is signed')
    for (let round = 0; round < 20; round++) {
      const value = sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
      expect(verify('sha256', data, publicKey, derOfEcdsaValue(value, curve) ?? new Uint8Array())).toBe(true)
    }
  })

  it.each(curves)('of %s is the DER that leads back to it, whatever its numbers', (curve, size) => {
    const number = fc.oneof(
      fc.uint8Array({ minLength: size, maxLength: size }),
      fc.nat({ max: size - 1 }).map((zeros) => new Uint8Array(size).fill(0x80, zeros)),
    )
    const isPositive = (octets: Uint8Array) => octets.some((octet) => octet !== 0)
    fc.assert(
      fc.property(number.filter(isPositive), number.filter(isPositive), (r, s) => {
        const value = Uint8Array.from([...r, ...s])
        const der = derOfEcdsaValue(value, curve)
        expect(der && rawFromStrictDer(der, size)).toEqual(value)
      }),
    )
  })

  it.each([0, 63, 65, 96, 132])('of %s octets is none of P-256', (length) => {
    expect(derOfEcdsaValue(new Uint8Array(length).fill(1), 'P-256')).toBeUndefined()
  })
})
