import { describe, expect, it } from 'vitest'
import { FormatError } from './format-error.ts'
import { chainOf, textOfChain } from './x509-chain-text.ts'

const one = new Uint8Array([0x30, 1, 2])
const two = new Uint8Array([0x30, 3, 4, 5])
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const times = (count: number) => Array.from({ length: count }, () => two)
const armoured = (bytes: Uint8Array, label = 'CERTIFICATE') =>
  `-----BEGIN ${label}-----\n${base64(bytes).replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`

describe('chainOf', () => {
  it('reads PEM and base64 DER joined by commas, the leaf first', () => {
    expect(chainOf(`${base64(one)},${base64(two)}`)).toEqual([one, two])
    expect(chainOf(base64(one))).toEqual([one])
    expect(chainOf(armoured(one) + armoured(two))).toEqual([one, two])
    expect(chainOf(textOfChain([two, one]))).toEqual([two, one])
  })

  it('takes 10 certificates of up to 64 KiB, 128 KiB together', () => {
    const large = new Uint8Array(65_536)
    expect(chainOf(textOfChain([large, large]))).toHaveLength(2)
    expect(chainOf(textOfChain([one, ...times(9)]))).toHaveLength(10)
    expect(chainOf(armoured(large) + armoured(large))).toHaveLength(2)
  })

  it.each([
    ['nothing', ''],
    ['a comma alone', ','],
    ['a comma at the end', `${base64(one)},`],
    ['two commas', `${base64(one)},,${base64(two)}`],
    ['white space', `${base64(one)}, ${base64(two)}`],
    [
      'base64url',
      base64(new Uint8Array([0xfb, 0xff, 0xfe]))
        .replaceAll('+', '-')
        .replaceAll('/', '_'),
    ],
    ['a JWT', 'e30.e30.AAAA'],
    ['11 certificates', textOfChain([one, ...times(10)])],
    ['11 certificates in PEM', armoured(one).repeat(11)],
    ['a certificate of more than 64 KiB', base64(new Uint8Array(65_537))],
    ['more than 128 KiB', textOfChain([new Uint8Array(65_536), new Uint8Array(65_535), one])],
    ['a text without end', 'A'.repeat(1_000_000)],
    ['commas without end', ','.repeat(190_000)],
    ['a private key', armoured(one, 'PRIVATE KEY')],
    ['a private key beside a certificate', armoured(one) + armoured(two, 'EC PRIVATE KEY')],
    ['PEM and commas', `${armoured(one)},${base64(two)}-----`],
  ])('refuses %s', (_, text) => {
    expect(() => chainOf(text)).toThrow(FormatError)
  })
})
