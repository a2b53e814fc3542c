import { FormatError } from '../format-error.ts'
import { type DerNode, readInside, tags } from './der.ts'
import { isBitString, isBoolean, isInteger, isOid } from './der-canonical.ts'

/** The fields of a SEQUENCE, read one after the other. */
export interface Fields {
  /** The next field, which must be there with this identifier octet. */
  next(tag: number): DerNode
  /** The next field, whatever it is. */
  any(): DerNode
  /** The next field if it has this identifier octet. */
  optional(tag: number): DerNode | undefined
  /** The next field if there is one. */
  rest(): DerNode | undefined
  /** There must be no further field. */
  end(): void
}

/** @throws FormatError when `node` does not have the identifier octet `tag`, and from each method on another field. */
export const fieldsOf = (node: DerNode, tag: number = tags.sequence): Fields => {
  const { children } = expectTag(node, tag)
  let at = 0
  const any = (): DerNode => {
    const child = children[at++]
    if (child === undefined) throw new FormatError('a field is missing in the DER')
    return child
  }
  return {
    any,
    next: (wanted) => expectTag(any(), wanted),
    optional: (wanted) => (children[at]?.tag === wanted ? children[at++] : undefined),
    rest: () => children[at++],
    end() {
      if (at < children.length) throw new FormatError('the DER has a field that does not belong there')
    },
  }
}

/** The elements of a SEQUENCE OF, of which there are between 1 and `most`. @throws FormatError */
export const elementsOf = (node: DerNode, most: number, tag: number = tags.sequence): readonly DerNode[] => {
  const { children } = expectTag(node, tag)
  if (children.length === 0) throw new FormatError('a list in the DER is empty')
  if (children.length > most) throw new FormatError('a list in the DER is too long')
  return children
}

/** @throws FormatError when `node` has another identifier octet. */
export const expectTag = (node: DerNode, tag: number): DerNode => {
  if (node.tag !== tag) throw new FormatError('a field of the DER has the wrong type')
  return node
}

/** The element in the explicit tag `node`, which must be its only one. @throws FormatError */
export const explicitIn = (node: DerNode): DerNode => {
  const [only, ...others] = node.children
  if (only === undefined || others.length > 0) throw new FormatError('a field of the DER does not hold one value')
  return only
}

/** The element that fills the OCTET STRING `node`. @throws FormatError */
export const insideOctets = (node: DerNode): DerNode => readInside(expectTag(node, tags.octetString))

/** Of a BOOLEAN, or of an implicit tag in place of one. @throws FormatError */
export const booleanIn = (node: DerNode): boolean => {
  if (!isPrimitive(node) || !isBoolean(node.content)) throw new FormatError('a truth value in the DER is malformed')
  return node.content === '\xff'
}

/** A whole number from 0 to 2^31 - 1, of an INTEGER or of an implicit tag in place of one. @throws FormatError */
export const smallIntegerIn = (node: DerNode): number => {
  const { content } = node
  if (!isPrimitive(node) || !isInteger(content) || content.length > 4 || content.charCodeAt(0) >= 0x80)
    throw new FormatError('a number in the DER is malformed or out of range')
  let value = 0
  for (let at = 0; at < content.length; at++) value = value * 256 + content.charCodeAt(at)
  return value
}

/**
 * Lower-case hex of an INTEGER, or of an implicit tag in place of one, without the octet for the sign. A negative one
 * is its two's complement after a hyphen, so that it is no other number's text.
 *
 * @throws FormatError
 */
export const hexIntegerIn = (node: DerNode): string => {
  if (!isPrimitive(node) || !isInteger(node.content)) throw new FormatError('a number in the DER is malformed')
  const hex = hexOf(node.content)
  if (node.content.charCodeAt(0) >= 0x80) return `-${hex}`
  return hex.length > 2 && hex.startsWith('00') ? hex.slice(2) : hex
}

/**
 * The bits that are set, by number, of a BIT STRING of at most 16 named bits (X.690 section 11.2.2).
 *
 * @throws FormatError
 */
export const namedBitsIn = (node: DerNode): ReadonlySet<number> => {
  const { content } = node
  if (!isPrimitive(node) || !isBitString(content) || content.length > 3)
    throw new FormatError('a set of flags in the DER is malformed')
  const set = new Set<number>()
  for (let bit = 0; bit < 8 * (content.length - 1) - content.charCodeAt(0); bit++)
    if ((content.charCodeAt(1 + (bit >> 3)) & (0x80 >> (bit & 7))) !== 0) set.add(bit)
  const bits = 8 * (content.length - 1) - content.charCodeAt(0)
  if (bits > 0 && !set.has(bits - 1)) throw new FormatError('a set of flags in the DER has trailing zeros')
  return set
}

/** Dotted decimal of an OBJECT IDENTIFIER, or of an implicit tag in place of one. @throws FormatError */
export const oidIn = (node: DerNode): string => {
  if (!isPrimitive(node) || !isOid(node.content)) throw new FormatError('an object identifier is malformed')
  return known(node.content)
}

/** The few that all certificates have, in dotted decimal by their octets. */
const knownOids = new Map<string, string>()
const mostKnown = 256

const known = (content: string): string => {
  const found = knownOids.get(content)
  if (found !== undefined) return found
  if (knownOids.size >= mostKnown) knownOids.clear()
  const dotted = dottedOf(content)
  knownOids.set(content, dotted)
  return dotted
}

const isPrimitive = (node: DerNode): boolean => (node.tag & 0x20) === 0

/** Arcs have no greatest value, so those that would lose digits as a number are reckoned as big ones. */
const dottedOf = (content: string): string => {
  const arcs: (number | bigint)[] = []
  let arc: number | bigint = 0
  for (let at = 0; at < content.length; at++) {
    const octet = content.charCodeAt(at)
    arc = appended(arc, octet & 0x7f)
    if (octet >= 0x80) continue
    arcs.push(arc)
    arc = 0
  }
  const [head = 0, ...others] = arcs
  const first = head < 80 ? Math.floor(Number(head) / 40) : 2
  const second = typeof head === 'bigint' ? head - 80n : head - 40 * first
  return [first, second, ...others].join('.')
}

const appended = (arc: number | bigint, digit: number): number | bigint =>
  typeof arc === 'number' && arc < 2 ** 46 ? arc * 128 + digit : BigInt(arc) * 128n + BigInt(digit)

/** Lower-case hex, two characters an octet. */
export const hexOf = (content: string): string => {
  let hex = ''
  for (let at = 0; at < content.length; at++) hex += content.charCodeAt(at).toString(16).padStart(2, '0')
  return hex
}
