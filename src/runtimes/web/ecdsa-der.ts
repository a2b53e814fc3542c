/**
 * ECDSA signatures of certificates are SEQUENCE { r INTEGER, s INTEGER } in DER (RFC 3279 section 2.2.3); WebCrypto
 * takes `r || s`, each of the curve's length.
 */

const SEQUENCE = 0x30
const INTEGER = 0x02
/** Lengths from here on take a second octet. */
const longForm = 0x80

/**
 * `der` as `r || s` of `size` octets each, or undefined when it is not DER of two positive numbers that fit. Whatever
 * is not in its one canonical form is none, so that one signature has one encoding.
 */
export const rawFromStrictDer = (der: Uint8Array, size: number): Uint8Array<ArrayBuffer> | undefined => {
  const start = contentStart(der)
  if (start === undefined) return undefined
  const raw = new Uint8Array(2 * size)
  const afterR = readInteger(der, start, raw, size)
  if (afterR === undefined) return undefined
  const afterS = readInteger(der, afterR, raw, 2 * size, size)
  return afterS === der.length ? raw : undefined
}

/** Where the content of the SEQUENCE begins that fills all of `der`. */
const contentStart = (der: Uint8Array): number | undefined => {
  if (der[0] !== SEQUENCE) return undefined
  const first = der[1] ?? 0
  if (first < longForm) return first === der.length - 2 ? 2 : undefined
  const length = der[2] ?? 0
  return first === longForm + 1 && length >= longForm && length === der.length - 3 ? 3 : undefined
}

/** Copies the positive INTEGER at `at` so that it ends at `end` of `raw`; yields the place after it. */
const readInteger = (
  der: Uint8Array,
  at: number,
  raw: Uint8Array,
  end: number,
  size: number = end,
): number | undefined => {
  const length = der[at + 1] ?? 0
  const after = at + 2 + length
  const [first, second] = [der[at + 2] ?? 0, der[at + 3] ?? 0]
  if (der[at] !== INTEGER || length === 0 || after > der.length) return undefined
  if (first >= 0x80 || (first === 0 && (length === 1 || second < 0x80))) return undefined
  const digits = der.subarray(first === 0 ? at + 3 : at + 2, after)
  if (digits.length > size) return undefined
  raw.set(digits, end - digits.length)
  return after
}
