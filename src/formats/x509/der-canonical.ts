import { FormatError } from '../format-error.ts'

/**
 * What DER demands of the contents of each universal type (X.690 sections 8, 10 and 11). The types that certificates
 * have no use for are none.
 */

/** @throws FormatError when an element with this identifier octet cannot be in DER with this content. */
export const assertCanonical = (tag: number, content: string): void => {
  // Tag numbers from 31 on are written in several octets (X.690 section 8.1.2.4); no certificate has one.
  if ((tag & 0x1f) === 0x1f) throw new FormatError('the DER has a tag number that is too high')
  if (tag >= 0x40) return
  const rule = universalTypes.get(tag)
  if (rule === undefined) throw new FormatError('the DER has a type in a form that it cannot have')
  if (!rule(content)) throw new FormatError('the DER has a value that is not in its canonical form')
}

const anything = (): boolean => true

/** Minimal two's complement (X.690 section 8.3.2). */
export const isInteger = (content: string): boolean => {
  if (content.length === 0) return false
  if (content.length === 1) return true
  const [first, second] = [content.charCodeAt(0), content.charCodeAt(1)]
  return !(first === 0 && second < 0x80) && !(first === 0xff && second >= 0x80)
}

/** FALSE is 00, TRUE is FF (X.690 section 11.1). */
export const isBoolean = (content: string): boolean => content === '\x00' || content === '\xff'

/** At most seven unused bits, all zero (X.690 section 11.2.1). */
export const isBitString = (content: string): boolean => {
  const unused = content.charCodeAt(0)
  if (content.length === 0 || unused > 7) return false
  if (content.length === 1) return unused === 0
  return (content.charCodeAt(content.length - 1) & ((1 << unused) - 1)) === 0
}

/** Each arc in the fewest octets, the last one complete (X.690 section 8.19.2). */
export const isOid = (content: string): boolean => {
  if (content.length === 0 || content.length > 128) return false
  let begins = true
  for (let at = 0; at < content.length; at++) {
    const octet = content.charCodeAt(at)
    if (begins && octet === 0x80) return false
    begins = octet < 0x80
  }
  return begins
}

/** By identifier octet: universal class, in the one form that DER has for the type. */
const universalTypes: ReadonlyMap<number, (content: string) => boolean> = new Map([
  [0x01, isBoolean],
  [0x02, isInteger],
  [0x03, isBitString],
  [0x04, anything],
  [0x05, (content: string) => content === ''],
  [0x06, isOid],
  [0x0a, isInteger],
  [0x0c, anything],
  [0x12, anything],
  [0x13, anything],
  [0x14, anything],
  [0x16, anything],
  [0x17, anything],
  [0x18, anything],
  [0x1a, anything],
  [0x1b, anything],
  [0x1c, anything],
  [0x1e, anything],
  [0x30, anything],
  [0x31, anything],
])
