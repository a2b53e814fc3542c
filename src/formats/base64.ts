import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { FormatError } from './format-error.ts'

const base64 = /^[A-Za-z0-9+/]*={0,2}$/

/**
 * Decodes base64 with padding (RFC 4648 section 4) to the letter: no white space, no other alphabet, no unused bits set.
 *
 * @throws FormatError
 */
export const decodeBase64 = (text: string): Uint8Array => {
  if (text.length % 4 !== 0 || !base64.test(text)) throw new FormatError('the text is not base64')
  return decodeBase64url(
    text
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replace(/={1,2}$/, ''),
  )
}

/** `bytes` in base64 with padding (RFC 4648 section 4). */
export const encodeBase64 = (bytes: Uint8Array): string => {
  const text = encodeBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/')
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}
