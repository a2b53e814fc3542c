import { FormatError } from './format-error.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const sextets = new Int8Array(128).fill(-1)
for (const [value, character] of [...alphabet].entries()) sextets[character.charCodeAt(0)] = value

/** `bytes` in base64url without padding (RFC 7515 section 2). */
export const encodeBase64url = (bytes: Uint8Array): string => {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    const characters = Math.min(bytes.length - at, 3) + 1
    for (let place = 0; place < characters; place++) text += alphabet[(group >> (18 - 6 * place)) & 63]
  }
  return text
}

/**
 * Decodes base64url to the letter: no padding, no other alphabet, no white space, and no bits set that carry nothing,
 * so that one value has exactly one spelling (two spellings would be two keys in a replay store).
 *
 * @throws FormatError
 */
export const decodeBase64url = (text: string): Uint8Array => {
  const rest = text.length % 4
  if (rest === 1) throw new FormatError('a base64url text cannot have this length')
  const bytes = new Uint8Array((text.length * 3) >> 2)
  let group = 0
  let bits = 0
  let filled = 0
  for (let at = 0; at < text.length; at++) {
    const sextet = sextets[text.charCodeAt(at)] ?? -1
    if (sextet < 0) throw new FormatError('a character is not of the base64url alphabet')
    group = (group << 6) | sextet
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[filled++] = (group >> bits) & 255
    }
  }
  if ((group & ((1 << bits) - 1)) !== 0) throw new FormatError('a base64url text has unused bits set')
  return bytes
}
