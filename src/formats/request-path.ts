import { FormatError } from './format-error.ts'

const maxLength = 8_192

/** What stands for itself in a path (RFC 3986 section 3.3), but for `.` and `;`, which not all readers take so. */
const plain = /^[/A-Za-z0-9_~!$&'()*+,=:@-]*$/
const withDotsAndEscapes = /^(?:[/A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})*$/
/** An escape of what may stand for itself. */
const needless = /^[A-Za-z0-9_~!$&'()*+,=:@-]$/
/** What separates, ends or escapes, and control characters: decoded once too often it is another path. */
const isTreacherous = (character: string): boolean =>
  character < ' ' || character === '\x7f' || '%./;\\?#'.includes(character)

/**
 * The path of a request-target (RFC 9112 section 3.2.1) in the one spelling under which policy knows it: escapes of
 * characters that may stand for themselves are decoded (RFC 3986 section 6.2.2.2), the others are in capitals, and the
 * query is gone.
 *
 * Gateways and the services behind them read some paths differently: `/a/../b`, `/a//b`, `/a/..;/b`, `/a%2fb`, `/a%3fb`,
 * and on Windows `/a./b`. Such a path has no spelling that is true for both, so it is none here.
 *
 * @throws FormatError that says what two readers could take differently
 */
export const requestPath = (target: string): string => {
  if (target.length > maxLength) throw new FormatError(`the path is longer than ${maxLength} characters`)
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  if (!path.startsWith('/')) throw new FormatError('the path does not begin with a slash')
  if (path.includes('//')) throw new FormatError('the path has an empty segment')
  if (plain.test(path)) return path
  if (!withDotsAndEscapes.test(path)) throw new FormatError('the path has a character that is not of a path')
  if (/\/\.{1,2}(?:\/|$)/.test(path)) throw new FormatError('the path has a dot segment')
  if (/(?:\.|%20)(?:\/|$)/.test(path)) throw new FormatError('a segment of the path ends in a dot or a space')
  return path.includes('%') ? path.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, respelt) : path
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A run of escapes, decoded as far as that is safe. */
const respelt = (escapes: string): string => decoded(escapes).replaceAll(/[\s\S]/gu, respeltCharacter)

const respeltCharacter = (character: string): string => {
  if (needless.test(character)) return character
  if (isTreacherous(character)) throw new FormatError('the path hides a character that ends or divides paths')
  return encodeURIComponent(character)
}

const decoded = (escapes: string): string => {
  const bytes = escapes
    .slice(1)
    .split('%')
    .map((pair) => Number.parseInt(pair, 16))
  try {
    return utf8.decode(Uint8Array.from(bytes))
  } catch (cause) {
    throw new FormatError('the path has escapes that are not UTF-8', { cause })
  }
}
