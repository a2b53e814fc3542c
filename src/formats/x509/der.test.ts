import * as fc from 'fast-check'
import asn1 from 'node-forge/lib/asn1.js'
import { describe, expect, it } from 'vitest'
import { binaryOf, contentOf, type DerNode, encodingOf, readDer, readInside } from './der.ts'
import { hexIntegerIn, namedBitsIn, oidIn, smallIntegerIn } from './der-fields.ts'
import { timeIn } from './der-time.ts'

const limits = { bytes: 1_000, elements: 200 }
const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const read = (hex: string) => readDer(fromHex(hex), limits)

const hostile: readonly (readonly [what: string, hex: string])[] = [
  ['nothing', ''],
  ['half a header', '30'],
  ['a cut-off value', '0402aa'],
  ['a trailing octet', '0500 00'],
  ['an indefinite length', '3080 0500 0000'],
  ['an indefinite length of a primitive', '0480 0000'],
  ['a length in long form that is short', '308102 0500'],
  ['a length with a leading zero', `3082 0080 ${'0500'.repeat(64)}`],
  ['a length of four octets', `30840000 0080 ${'0500'.repeat(64)}`],
  ['a length of 2^32', '048400000001ff'],
  ['a length that is reserved', '04ff'],
  ['a high tag number', '1f8101 00'],
  ['a tag number of 31 in low form', '1f00'],
  ['end of contents', '0000'],
  ['a primitive SEQUENCE', '1000'],
  ['a constructed INTEGER', '2203 020101'],
  ['a constructed OCTET STRING', '2404 0402aabb'],
  ['a constructed UTF8String', '2c03 0c0161'],
  ['a type that certificates do not have', '090180'],
  ['a RELATIVE-OID', '0d0101'],
  ['a BOOLEAN that is neither', '010101'],
  ['a BOOLEAN without a value', '0100'],
  ['an INTEGER without a value', '0200'],
  ['a padded positive INTEGER', '02020001'],
  ['a padded negative INTEGER', '0202ff80'],
  ['a padded ENUMERATED', '0a020001'],
  ['a NULL with a value', '050100'],
  ['a BIT STRING without its first octet', '0300'],
  ['a BIT STRING with eight unused bits', '03020800'],
  ['an empty BIT STRING with unused bits', '030101'],
  ['a BIT STRING with unused bits set', '03020101'],
  ['an OID without a value', '0600'],
  ['an OID that ends inside an arc', '06022a86'],
  ['an OID with a padded arc', '06032a8001'],
  ['a BMPString of an odd length that takes its neighbour', '3007 1e0300610500 00'],
  ['an odd element of tag number 30', '3005 9e0161 0500'],
]

describe('DER', () => {
  it.each(hostile)('is not %s', (_what, hex) => {
    expect(() => read(hex)).toThrow(expect.objectContaining({ name: 'FormatError' }))
  })

  it('keeps the place of every element', () => {
    const node = read('300a 0201 05 0405 0303 0080 40')
    expect(node.children.map((child) => [child.tag, child.start, child.contentStart, child.end])).toEqual([
      [0x02, 2, 4, 5],
      [0x04, 5, 7, 12],
    ])
    expect(encodingOf(node)).toEqual(node.source)
  })

  it('reads what an OCTET STRING holds in its place', () => {
    const octets = read('0405 0303 07 8080')
    const inside = readInside(octets)
    expect([inside.start, inside.contentStart, inside.end]).toEqual([2, 4, 7])
    expect(contentOf(inside)).toEqual(fromHex('078080'))
    expect(() => readInside(read('0406 0303 07 8080 00'))).toThrow('cannot be read')
  })

  it('is read up to limits', () => {
    expect(() => readDer(new Uint8Array(1_001), limits)).toThrow('too large')
    expect(() => read(`3082 0190 ${'0500'.repeat(200)}`)).toThrow('too many elements')
    const nested = (depth: number): string => (depth === 0 ? '0500' : wrapped(nested(depth - 1)))
    expect(() => read(nested(23))).not.toThrow()
    expect(() => read(nested(24))).toThrow('cannot be read')
  })

  it('accepts nothing that it would write differently, whatever is done to its bytes', () => {
    const good = fromHex('3020 020101 0101ff 0303078080 0603550403 3009 1304 54657374 0c0141 a003 0201 05')
    expect(written(readDer(good, limits))).toEqual(Buffer.from(good))
    const changed = fc
      .array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 })
      .map((changes) => good.map((octet, at) => changes.find(([index]) => index === at)?.[1] ?? octet))
    fc.assert(
      fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 24 })), (bytes) => {
        const node = attempt(bytes)
        if (node !== undefined) expect(Buffer.from(written(node))).toEqual(Buffer.from(bytes))
      }),
      { numRuns: 2_000 },
    )
  })

  it('comes out of a parser that keeps no bytes of its own to compare with', () => {
    const parsed = asn1.fromDer('\x30\x80\x05\x00\x00\x00', {
      strict: true,
      parseAllBytes: true,
      decodeBitStrings: false,
      maxDepth: 24,
    })
    expect(parsed).toMatchObject({ constructed: true })
    expect(() => read('3080 0500 0000')).toThrow('canonical')
  })
})

const wrapped = (hex: string): string => {
  const length = hex.replaceAll(' ', '').length / 2
  return `30${length.toString(16).padStart(2, '0')}${hex}`
}

const attempt = (bytes: Uint8Array): DerNode | undefined => {
  try {
    return readDer(bytes, limits)
  } catch (thrown) {
    expect(thrown).toMatchObject({ name: 'FormatError' })
    return undefined
  }
}

/** The one encoding that an element has: written from what was read, not from where it stood. */
const written = (node: DerNode): Uint8Array => {
  const content =
    (node.tag & 0x20) === 0
      ? Buffer.from(node.content, 'latin1')
      : Buffer.concat(node.children.map((child) => written(child)))
  const length = content.length < 0x80 ? [content.length] : [0x81, content.length]
  return Buffer.concat([Uint8Array.of(node.tag, ...length), content])
}

describe('a field of DER', () => {
  it.each([
    ['06 03 551d23', '2.5.29.35'],
    ['06 01 27', '0.39'],
    ['06 01 4f', '1.39'],
    ['06 02 8837', '2.999'],
    ['06 0a 69 ffffffffffffffff7f', '2.25.9223372036854775807'],
    ['06 0b 69 83ffffffffffffffff7f', '2.25.36893488147419103231'],
    ['06 06 2a 9080808000', '1.2.4294967296'],
  ])('%s is the object identifier %s', (hex, dotted) => {
    expect(oidIn(read(hex))).toBe(dotted)
  })

  it('tells object identifiers apart that agree in 32 bits', () => {
    expect(oidIn(read('06 06 2a 9080808000'))).not.toBe(oidIn(read('06 02 2a00')))
  })

  it.each([
    ['0201 00', '00'],
    ['0202 00ff', 'ff'],
    ['0201 ff', '-ff'],
    ['0203 010203', '010203'],
  ])('%s is the number %s in hex', (hex, text) => {
    expect(hexIntegerIn(read(hex))).toBe(text)
  })

  it('is a small number, or none', () => {
    expect(smallIntegerIn(read('0204 7fffffff'))).toBe(2_147_483_647)
    for (const hex of ['0201 ff', '0205 0080000000']) expect(() => smallIntegerIn(read(hex))).toThrow('out of range')
  })

  it('is a set of flags without trailing zeros', () => {
    expect(namedBitsIn(read('0302 0520'))).toEqual(new Set([2]))
    expect(namedBitsIn(read('0303 0780 80'))).toEqual(new Set([0, 8]))
    for (const hex of ['0302 0420', '0303 0020 00', '0302 0000'])
      expect(() => namedBitsIn(read(hex))).toThrow('trailing')
    expect(() => namedBitsIn(read('0304 00000001'))).toThrow('malformed')
  })
})

describe('a time', () => {
  const utc = (text: string) => read(`170d ${Buffer.from(text).toString('hex')}`)
  const generalized = (text: string) => {
    const hex = Buffer.from(text).toString('hex')
    return read(`18${(hex.length / 2).toString(16).padStart(2, '0')} ${hex}`)
  }

  it('is a UTCTime of this century or the last', () => {
    expect(timeIn(utc('491231235959Z'))).toBe(Date.UTC(2049, 11, 31, 23, 59, 59) / 1000)
    expect(timeIn(utc('500101000000Z'))).toBe(Date.UTC(1950, 0, 1) / 1000)
  })

  it('is a GeneralizedTime', () => {
    expect(timeIn(generalized('20500101000000Z'))).toBe(Date.UTC(2050, 0, 1) / 1000)
    expect(timeIn(generalized('99991231235959Z'))).toBe(Date.UTC(9999, 11, 31, 23, 59, 59) / 1000)
    expect(timeIn(generalized('20240229000000Z'))).toBe(Date.UTC(2024, 1, 29) / 1000)
  })

  it.each([
    '20240230000000Z',
    '20230229000000Z',
    '21000229000000Z',
    '20240431000000Z',
    '20241301000000Z',
    '20240001000000Z',
  ])('does not exist on %s', (text) => expect(() => timeIn(generalized(text))).toThrow('does not exist'))

  it.each(['20240101240000Z', '20240101006000Z', '20240101000060Z'])('does not exist at %s', (text) =>
    expect(() => timeIn(generalized(text))).toThrow('does not exist'),
  )

  it.each([
    '202401010000Z',
    '20240101000000',
    '20240101000000.5Z',
    '20240101000000+0000',
    '00010101000000Z',
    '2024010100000aZ',
  ])('is malformed as %s', (text) => expect(() => timeIn(generalized(text))).toThrow('malformed'))

  it('is of no other type', () => {
    expect(() => timeIn(read('130d 3234303130313030303030305a'))).toThrow('wrong type')
  })
})

describe('bytes as text', () => {
  it('are one character an octet, however many', () => {
    const bytes = Uint8Array.from({ length: 20_000 }, (_, at) => at % 256)
    expect(binaryOf(bytes)).toBe(Buffer.from(bytes).toString('latin1'))
  })
})
