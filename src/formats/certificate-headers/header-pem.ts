import { decodeBase64 } from '../base64.ts'
import { FormatError } from '../format-error.ts'

const begin = '-----BEGIN CERTIFICATE-----'
const end = '-----END CERTIFICATE-----'

/**
 * The DER of every certificate in `text`: CERTIFICATE blocks (RFC 7468 section 5), one after the other and nothing
 * else, not even a comment. `lineBreak` is what the gateway writes for the end of a line; one may follow at the end.
 *
 * @throws FormatError
 */
export const certificatesInHeaderPem = (text: string, lineBreak: '\n' | ' '): readonly Uint8Array[] => {
  const [opening, closing] = [begin + lineBreak, lineBreak + end]
  const certificates: Uint8Array[] = []
  for (let at = 0; at < text.length; ) {
    const close = text.indexOf(closing, at)
    if (close < 0 || !text.startsWith(opening, at)) throw new FormatError('not PEM of certificates and nothing else')
    certificates.push(bodyOf(text.slice(at + opening.length, close), lineBreak))
    at = close + closing.length
    if (at < text.length && !text.startsWith(lineBreak, at)) throw new FormatError('something follows a PEM block')
    at += lineBreak.length
  }
  return certificates
}

const bodyOf = (body: string, lineBreak: string): Uint8Array => {
  const lines = body.split(lineBreak)
  if (lines.includes('')) throw new FormatError('a PEM block has an empty line')
  return decodeBase64(lines.join(''))
}
