import { FormatError } from '../format-error.ts'
import { contentOf, type DerNode, tags } from './der.ts'

/** Text in certificates. Control characters are refused everywhere: a NUL has ended more than one name too early. */

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const visibleAscii = /^[\x20-\x7e]*$/
/** X.680 section 41.4. */
const printable = /^[A-Za-z0-9 '()+,\-./:=?]*$/
const numeric = /^[0-9 ]*$/
const control = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u
const longest = 4_096

/**
 * The text of an attribute of a name: a DirectoryString, an IA5String (RFC 5280 section 4.1.2.4) or a NumericString.
 * Undefined where the value is none of them, or where readers disagree about its characters: beyond ASCII in a
 * TeletexString, and every UniversalString. Such values are compared as they stand.
 *
 * @throws FormatError when the text is malformed, too long or contains control characters.
 */
export const directoryText = (node: DerNode): string | undefined => {
  if (node.content.length > longest) throw new FormatError('a text is too long')
  switch (node.tag) {
    case tags.utf8String:
      return withoutControls(utf8Text(node))
    case tags.printableString:
      return inAlphabet(node.content, printable)
    case tags.ia5String:
    case tags.visibleString:
      return inAlphabet(node.content, visibleAscii)
    case tags.numericString:
      return inAlphabet(node.content, numeric)
    case tags.bmpString:
      return withoutControls(pairsText(node.content))
    case tags.teletexString:
      return visibleAscii.test(node.content) ? node.content : undefined
    default:
      return undefined
  }
}

/** The text of an IA5String, or of an implicit tag in place of one. @throws FormatError unless it is visible ASCII. */
export const ia5Text = (node: DerNode): string => {
  if ((node.tag & 0x20) !== 0) throw new FormatError('a text has the wrong form')
  return inAlphabet(node.content, visibleAscii)
}

const inAlphabet = (text: string, alphabet: RegExp): string => {
  if (!alphabet.test(text)) throw new FormatError('a text has characters that its type does not have')
  return text
}

const utf8Text = (node: DerNode): string => {
  if (visibleAscii.test(node.content)) return node.content
  try {
    return utf8.decode(contentOf(node))
  } catch (cause) {
    throw new FormatError('a text is not UTF-8', { cause })
  }
}

/** UCS-2 (X.690 section 8.23.8): without surrogates, which `control` refuses. */
const pairsText = (content: string): string => {
  let text = ''
  for (let at = 0; at < content.length; at += 2)
    text += String.fromCharCode(content.charCodeAt(at) * 256 + content.charCodeAt(at + 1))
  return text
}

const withoutControls = (text: string): string => {
  if (control.test(text)) throw new FormatError('a text has control characters')
  return text
}
