/**
 * The two forms of an ECDSA signature. JWS has `r || s`, each of the curve's length (RFC 7518 section 3.4); OpenSSL is
 * fast in DER, SEQUENCE { r INTEGER, s INTEGER } (RFC 3279 section 2.2.3). Its own conversion costs more than the
 * signature on some versions of Node.
 */

const SEQUENCE = 0x30
const INTEGER = 0x02
/** Lengths from here on take a second octet. */
const longForm = 0x80

/** `r || s` as DER, or undefined when it is not two numbers of `size` octets, both above zero. */
export const derFromRaw = (raw: Uint8Array, size: number): Uint8Array | undefined => {
  if (raw.length !== 2 * size) return undefined
  const r = integerStart(raw, 0, size)
  const s = integerStart(raw, size, 2 * size)
  if (r === size || s === 2 * size) return undefined
  const rLength = size - r + signOctet(raw, r)
  const sLength = 2 * size - s + signOctet(raw, s)
  const content = 4 + rLength + sLength
  const header = content < longForm ? [SEQUENCE, content] : [SEQUENCE, longForm + 1, content]
  const der = new Uint8Array(header.length + content)
  der.set(header)
  const next = writeInteger(der, header.length, raw.subarray(r, size), rLength)
  writeInteger(der, next, raw.subarray(s), sLength)
  return der
}

/** DER as `r || s`. For signatures that our own platform made, so `der` is known to be well-formed. */
export const rawFromDer = (der: Uint8Array, size: number): Uint8Array => {
  const raw = new Uint8Array(2 * size)
  const afterHeader = der[1] === longForm + 1 ? 3 : 2
  const afterR = readInteger(der, afterHeader, raw, size)
  readInteger(der, afterR, raw, 2 * size)
  return raw
}

/** Where the number's first significant octet stands; `end` when the number is zero. */
const integerStart = (raw: Uint8Array, start: number, end: number): number => {
  let at = start
  while (at < end && raw[at] === 0) at++
  return at
}

/** An INTEGER whose first bit is set would be negative; a zero octet goes in front. */
const signOctet = (raw: Uint8Array, at: number): number => (raw[at] ?? 0) >> 7

const writeInteger = (der: Uint8Array, at: number, number: Uint8Array, length: number): number => {
  der[at] = INTEGER
  der[at + 1] = length
  der.set(number, at + 2 + length - number.length)
  return at + 2 + length
}

/** Copies the INTEGER at `at` so that it ends at `end` of `raw`; yields the place after it. */
const readInteger = (der: Uint8Array, at: number, raw: Uint8Array, end: number): number => {
  const after = at + 2 + (der[at + 1] ?? 0)
  const start = der[at + 2] === 0 ? at + 3 : at + 2
  raw.set(der.subarray(start, after), end - (after - start))
  return after
}
