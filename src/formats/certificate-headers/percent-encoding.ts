import { FormatError } from '../format-error.ts'

/** What percent-encoded PEM may hold unencoded: gateways differ on `+`, `/` and `=`, which stand for themselves. */
const grammar = /^(?:[A-Za-z0-9+/=-]|%[0-9A-Fa-f]{2})*$/

/**
 * Decodes percent-encoded PEM, once: what is still encoded afterwards was encoded twice, and is no PEM. A `+` is a
 * `+` and never a space, for base64 is full of them.
 *
 * @throws FormatError
 */
export const decodePercent = (text: string): string => {
  if (!grammar.test(text)) throw new FormatError('not percent-encoded PEM')
  return text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, octet: string) => String.fromCharCode(Number.parseInt(octet, 16)))
}
