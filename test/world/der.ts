/**
 * Writes DER, piece by piece and as told: what is malformed can be written as easily as what is well-formed. The names
 * are those of ASN.1 (X.690).
 */
export type Der = Uint8Array

const concat = (parts: readonly Der[]): Der => Buffer.concat(parts)

const lengthOf = (length: number): Der => {
  if (length < 0x80) return Uint8Array.of(length)
  const hex = length.toString(16)
  const octets = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return concat([Uint8Array.of(0x80 + octets.length), octets])
}

/** Any element: its first octet, and what is in it. */
export const tlv = (tag: number, ...content: readonly Der[]): Der => {
  const value = concat(content)
  return concat([Uint8Array.of(tag), lengthOf(value.length), value])
}

export const bytes = (...octets: readonly number[]): Der => Uint8Array.from(octets)
export const sequence = (...content: readonly Der[]): Der => tlv(0x30, ...content)
/** A SET OF, in the order that DER demands. */
export const setOf = (...content: readonly Der[]): Der =>
  tlv(0x31, ...content.toSorted((one, other) => Buffer.compare(one, other)))
/** `[number]` around a whole element. */
export const explicit = (number: number, ...content: readonly Der[]): Der => tlv(0xa0 + number, ...content)
/** `[number]` in place of the tag of a primitive element. */
export const implicit = (number: number, content: Der): Der => tlv(0x80 + number, content)
export const boolean = (value: boolean): Der => tlv(0x01, bytes(value ? 0xff : 0))
export const nothing = (): Der => tlv(0x05)
export const octetString = (...content: readonly Der[]): Der => tlv(0x04, ...content)
export const utf8 = (text: string): Der => tlv(0x0c, Buffer.from(text))
export const printable = (text: string): Der => tlv(0x13, Buffer.from(text, 'latin1'))
export const ia5 = (text: string): Der => tlv(0x16, Buffer.from(text, 'latin1'))

/** The shortest two's complement. */
export const integer = (value: bigint | number): Der => tlv(0x02, integerOctets(BigInt(value)))

export const integerOctets = (value: bigint): Der => {
  let size = 1
  while (BigInt.asIntN(8 * size, value) !== value) size++
  const hex = BigInt.asUintN(8 * size, value)
    .toString(16)
    .padStart(2 * size, '0')
  return Buffer.from(hex, 'hex')
}

export const bitString = (content: Der, unused = 0): Der => tlv(0x03, bytes(unused), content)

/** A BIT STRING of flags, by their numbers, without trailing zeros (X.690 section 11.2.2). */
export const flags = (set: readonly number[]): Der => tlv(0x03, flagOctets(set))

/** The same without its tag, for an implicit one. */
export const flagOctets = (set: readonly number[]): Der => {
  if (set.length === 0) return bytes(0)
  const last = Math.max(...set)
  const octets = new Uint8Array(Math.floor(last / 8) + 1)
  for (const bit of set) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  return concat([bytes(7 - (last % 8)), octets])
}

export const oid = (dotted: string): Der => tlv(0x06, oidOctets(dotted))

export const oidOctets = (dotted: string): Der => {
  const [first = 0n, second = 0n, ...others] = dotted.split('.').map(BigInt)
  return concat([first * 40n + second, ...others].map(base128))
}

const base128 = (arc: bigint): Der => {
  const digits: number[] = []
  for (let rest = arc; digits.length === 0 || rest > 0n; rest >>= 7n)
    digits.unshift(Number(rest & 0x7fn) | (digits.length === 0 ? 0 : 0x80))
  return Uint8Array.from(digits)
}

const digits = (instant: number): string => new Date(instant * 1000).toISOString().replaceAll(/[-:T]|\.\d+/g, '')

/** UTCTime up to 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5). */
export const time = (instant: number): Der =>
  digits(instant) < '2050' ? tlv(0x17, Buffer.from(digits(instant).slice(2))) : generalizedTime(instant)
export const generalizedTime = (instant: number): Der => tlv(0x18, Buffer.from(digits(instant)))
