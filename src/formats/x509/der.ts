import asn1, { type Asn1 } from 'node-forge/lib/asn1.js'
import { FormatError } from '../format-error.ts'
import { assertCanonical } from './der-canonical.ts'

/**
 * One element of DER (X.690), with its place in the bytes it was read from. Only the canonical encoding is ever read:
 * what two readers could understand differently is no certificate.
 */
export interface DerNode {
  /** The identifier octet: class, form and number. */
  readonly tag: number
  /** The elements inside; empty for a primitive one. */
  readonly children: readonly DerNode[]
  /** A primitive element's content, one character an octet; empty for a constructed one. */
  readonly content: string
  /** All of the input, and the same with one character an octet. */
  readonly source: Uint8Array
  readonly binary: string
  readonly start: number
  readonly contentStart: number
  readonly end: number
}

/** How much is taken on, before any work is done for it. */
export interface DerLimits {
  readonly bytes: number
  readonly elements: number
}

/** Certificates nest about ten levels deep; a CRL not deeper. */
const maxDepth = 24

/** Identifier octets (X.690 section 8.1.2, X.680 section 8.4). */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** `[number]` of a primitive element. */
export const primitive = (number: number): number => 0x80 + number
/** `[number]` of a constructed element. */
export const constructed = (number: number): number => 0xa0 + number

/**
 * Reads the one element that `bytes` is.
 *
 * @throws FormatError when it is larger than `limits`, or not DER.
 */
export const readDer = (bytes: Uint8Array, limits: DerLimits): DerNode => {
  if (bytes.length > limits.bytes) throw new FormatError('the DER is too large')
  const binary = binaryOf(bytes)
  const input = { source: bytes, binary, elementsLeft: limits.elements }
  return place(parsed(binary), input, 0, bytes.length)
}

/**
 * Reads the one element that fills the content of the primitive `node`, as an OCTET STRING holds an extension.
 *
 * @throws FormatError
 */
export const readInside = ({ source, binary, content, contentStart, end }: DerNode): DerNode =>
  place(parsed(content), { source, binary, elementsLeft: content.length }, contentStart, end)

/** The bytes of `node` as they stood in the input. */
export const encodingOf = (node: DerNode): Uint8Array => node.source.subarray(node.start, node.end)

/** The same, one character an octet. */
export const encodingText = (node: DerNode): string => node.binary.slice(node.start, node.end)

/** The bytes of what is in `node`. */
export const contentOf = (node: DerNode): Uint8Array => node.source.subarray(node.contentStart, node.end)

const parsed = (binary: string): Asn1 => {
  try {
    return asn1.fromDer(binary, { strict: true, parseAllBytes: true, decodeBitStrings: false, maxDepth })
  } catch (cause) {
    throw new FormatError('the DER cannot be read', { cause })
  }
}

/** One character an octet. In pieces, because a call takes only so many arguments. */
export const binaryOf = (bytes: Uint8Array): string => {
  if (bytes.length <= pieceLength) return Reflect.apply(String.fromCharCode, undefined, bytes)
  let binary = ''
  for (let at = 0; at < bytes.length; at += pieceLength)
    binary += Reflect.apply(String.fromCharCode, undefined, bytes.subarray(at, at + pieceLength))
  return binary
}

const pieceLength = 8_192

interface Input {
  readonly source: Uint8Array
  readonly binary: string
  elementsLeft: number
}

/**
 * Finds the element `parsed` at `start`. The parser is lenient (indefinite and overlong lengths, odd BMPStrings that
 * reach into their neighbour), so each header is read again here and must be the canonical one of just this element.
 */
const place = (element: Asn1, input: Input, start: number, limit: number): DerNode => {
  if (--input.elementsLeft < 0) throw new FormatError('the DER has too many elements')
  const { source, binary } = input
  const tag = binary.charCodeAt(start)
  const contentStart = contentStartAt(binary, start)
  const end = contentStart + lengthAt(binary, start, contentStart)
  const form = element.constructed ? 0x20 : 0
  if (tag !== (element.tagClass | form | element.type) || end > limit) throw notCanonical()
  if (typeof element.value === 'string') {
    const content = primitiveContent(tag, element.value, binary, contentStart, end)
    return { tag, children: noChildren, content, source, binary, start, contentStart, end }
  }
  const children: DerNode[] = []
  let next = contentStart
  for (const child of element.value) {
    const placed = place(child, input, next, end)
    children.push(placed)
    next = placed.end
  }
  if (next !== end) throw notCanonical()
  assertCanonical(tag, '')
  return { tag, children, content: '', source, binary, start, contentStart, end }
}

const notCanonical = () => new FormatError('the DER is not in its canonical form')

const noChildren: readonly DerNode[] = []

/** The parser reads the tag number 30 of any class in pairs of octets; the content is what stands in the input. */
const primitiveContent = (tag: number, value: string, binary: string, start: number, end: number): string => {
  const isPairs = (tag & 0x1f) === 30
  if (value.length * (isPairs ? 2 : 1) !== end - start) throw notCanonical()
  const content = isPairs ? binary.slice(start, end) : value
  assertCanonical(tag, content)
  return content
}

/** A length of up to 127 is one octet; otherwise the first says how many follow (X.690 section 8.1.3). */
const contentStartAt = (binary: string, start: number): number => {
  const first = binary.charCodeAt(start + 1)
  return first < 0x80 ? start + 2 : start + 2 + (first - 0x80)
}

/** The length in the header, in the fewest octets (X.690 section 10.1). Three octets of length are 16 MiB. */
const lengthAt = (binary: string, start: number, contentStart: number): number => {
  const octets = contentStart - start - 2
  if (octets === 0 && binary.charCodeAt(start + 1) < 0x80) return binary.charCodeAt(start + 1)
  if (octets < 1 || octets > 3) throw notCanonical()
  let length = 0
  for (let at = start + 2; at < contentStart; at++) length = length * 256 + binary.charCodeAt(at)
  // Beyond the input there is no number, and no comparison with it is true.
  if (!(length >= 0x80 && length >= 256 ** (octets - 1))) throw notCanonical()
  return length
}
