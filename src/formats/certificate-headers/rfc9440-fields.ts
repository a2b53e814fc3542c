import { type InnerList, type Item, parseItem, parseList } from 'structured-headers'
import { decodeBase64 } from '../base64.ts'
import { FormatError } from '../format-error.ts'

/**
 * The value of `Client-Cert`: one Item that is a Byte Sequence without parameters (RFC 9440 section 2.2). A repeated
 * field reaches us as a List, and is refused.
 *
 * @throws FormatError
 */
export const certificateItem = (value: string): Uint8Array =>
  byteSequence(
    parsed(() => parseItem(value)),
    value,
  )

/**
 * The value of `Client-Cert-Chain`: a List of the same (RFC 9440 section 2.3), which may come in several fields.
 *
 * @throws FormatError
 */
export const certificateList = (value: string): readonly Uint8Array[] => {
  const members = parsed(() => parseList(value))
  const texts = value.split(',')
  if (members.length === 0 || members.length !== texts.length) throw notBytes()
  return members.map((member, at) => byteSequence(member, texts[at] ?? ''))
}

const parsed = <T>(parse: () => T): T => {
  try {
    return parse()
  } catch (cause) {
    throw new FormatError('not a structured field', { cause })
  }
}

const notBytes = () => new FormatError('not a byte sequence without parameters')

/** The library lets other types, parameters and unused bits of base64 pass, so the text is read again to the letter. */
const byteSequence = ([bare]: Item | InnerList, text: string): Uint8Array => {
  const trimmed = text.trim()
  if (!(bare instanceof ArrayBuffer) || !trimmed.startsWith(':') || trimmed.indexOf(':', 1) !== trimmed.length - 1)
    throw notBytes()
  return decodeBase64(trimmed.slice(1, -1))
}
