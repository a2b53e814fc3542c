import { FormatError } from './format-error.ts'

const alphabet = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')

/** What each UTF-16 code unit stands for; -1 for all that are not of the alphabet. */
const sextets = new Int8Array(65_536).fill(-1)
for (const [value, code] of alphabet.entries()) sextets[code] = value

const utf8 = new TextEncoder()
const ascii = new TextDecoder()

/** Room that encoding reuses: what is handed out is text, so nothing refers to it afterwards. */
let letters = new Uint8Array(8_192)
let octets = new Uint8Array(8_192)

/** `bytes` in base64url without padding (RFC 7515 section 2). */
export const encodeBase64url = (bytes: Uint8Array): string => {
  const length = Math.ceil((bytes.length * 4) / 3)
  if (letters.length < length) letters = new Uint8Array(length)
  const whole = bytes.length - (bytes.length % 3)
  let to = 0
  for (let at = 0; at < whole; at += 3) {
    const group = (octet(bytes, at) << 16) | (octet(bytes, at + 1) << 8) | octet(bytes, at + 2)
    letters[to++] = letter(group >> 18)
    letters[to++] = letter(group >> 12)
    letters[to++] = letter(group >> 6)
    letters[to++] = letter(group)
  }
  const rest = (octet(bytes, whole) << 16) | (octet(bytes, whole + 1) << 8)
  for (let shift = 18; to < length; shift -= 6) letters[to++] = letter(rest >> shift)
  return ascii.decode(letters.subarray(0, length))
}

/** The UTF-8 bytes of `text` in base64url. */
export const encodeTextBase64url = (text: string): string => {
  if (octets.length < text.length * 3) octets = new Uint8Array(text.length * 3)
  return encodeBase64url(octets.subarray(0, utf8.encodeInto(text, octets).written))
}

const octet = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0
const letter = (value: number): number => alphabet[value & 63] ?? 0

/**
 * Decodes base64url to the letter: no padding, no other alphabet, no white space, and no bits set that carry nothing,
 * so that one value has exactly one spelling (two spellings would be two keys in a replay store).
 *
 * @throws FormatError
 */
export const decodeBase64url = (text: string): Uint8Array => {
  const rest = text.length % 4
  if (rest === 1) throw new FormatError('a base64url text cannot have this length')
  const bytes = room((text.length * 3) >> 2)
  const whole = text.length - rest
  let to = 0
  for (let at = 0; at < whole; at += 4) {
    const group =
      (sextet(text, at) << 18) | (sextet(text, at + 1) << 12) | (sextet(text, at + 2) << 6) | sextet(text, at + 3)
    if (group < 0) throw notOfTheAlphabet()
    bytes[to++] = group >> 16
    bytes[to++] = group >> 8
    bytes[to++] = group
  }
  if (rest > 0) decodeRest(text, whole, bytes, to)
  return bytes
}

/**
 * Small results are cut from a common slab, each part handed out once: an array with memory of its own costs the
 * garbage collector more than everything else about a token.
 */
const slabSize = 65_536
const largestCut = 2_048
let slab = new ArrayBuffer(slabSize)
let used = 0

const room = (length: number): Uint8Array => {
  if (length > largestCut) return new Uint8Array(length)
  if (used + length > slabSize) {
    slab = new ArrayBuffer(slabSize)
    used = 0
  }
  const cut = new Uint8Array(slab, used, length)
  used += length
  return cut
}

const sextet = (text: string, at: number): number => sextets[text.charCodeAt(at)] ?? -1

const notOfTheAlphabet = () => new FormatError('a character is not of the base64url alphabet')

/** The last two or three characters carry four or two bits more than their bytes have. */
const decodeRest = (text: string, from: number, bytes: Uint8Array, to: number): void => {
  const last = from + 2 < text.length ? sextet(text, from + 2) : 0
  const group = (sextet(text, from) << 18) | (sextet(text, from + 1) << 12) | (last << 6)
  if (group < 0) throw notOfTheAlphabet()
  const unused = from + 2 < text.length ? group & 0xff : group & 0xffff
  if (unused !== 0) throw new FormatError('a base64url text has unused bits set')
  bytes[to] = group >> 16
  if (to + 1 < bytes.length) bytes[to + 1] = group >> 8
}
