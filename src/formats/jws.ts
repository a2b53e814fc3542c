import type { Claims } from '../domain/claims.ts'
import { decodeBase64url } from './base64url.ts'
import { FormatError } from './format-error.ts'
import { asObject, type JsonLimits, parseJson } from './json.ts'

/** A compact JWS taken apart (RFC 7515 section 7.1). Nothing in it is verified. */
export interface CompactJws {
  readonly header: Claims
  /** The payload as text; absent when it is not UTF-8, as every payload that we read must be (RFC 7519 section 3). */
  readonly payload?: string
  /** What was signed: the first two parts as they stand in the text. */
  readonly signingInput: string
  readonly signature: Uint8Array
}

const maxHeaderLength = 4_096
const headerLimits: JsonLimits = { maxLength: 3_072, maxDepth: 4, maxMembers: 32 }
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Is `text` of the shape `a.b.c`, so that reading it as a JWS makes sense at all? */
export const looksLikeJws = (text: string): boolean => {
  const first = text.indexOf('.')
  const second = text.indexOf('.', first + 1)
  return first > 0 && second > first && !text.includes('.', second + 1)
}

/**
 * Takes a compact JWS apart, strictly: exactly three parts, canonical base64url, a UTF-8 header without repeated
 * members. The JSON serializations are not read (RFC 8725 section 3.14 as revised).
 *
 * @throws FormatError
 */
export const parseCompactJws = (text: string): CompactJws => {
  const first = text.indexOf('.')
  const second = text.indexOf('.', first + 1)
  if (first <= 0 || second < 0 || text.includes('.', second + 1)) throw new FormatError('a compact JWS has three parts')
  if (first > maxHeaderLength) throw new FormatError('the header is too long')
  return {
    header: headerOf(text.slice(0, first)),
    ...payloadOf(decodeBase64url(text.slice(first + 1, second))),
    signingInput: text.slice(0, second),
    signature: decodeBase64url(text.slice(second + 1)),
  }
}

/** What is not text is still signed; only who wants to read it is told so. */
const payloadOf = (bytes: Uint8Array): { readonly payload?: string } => {
  try {
    return { payload: utf8.decode(bytes) }
  } catch {
    return {}
  }
}

/**
 * The payload as claims: one JSON object without a byte order mark, no repeated member.
 *
 * @throws FormatError
 */
export const claimsOf = ({ payload }: CompactJws): Claims => {
  if (payload === undefined) throw new FormatError('the payload is not UTF-8')
  return objectOf(payload, {}, 'the payload is not a JSON object')
}

/** Issuers sign millions of tokens under the same few headers; each spelling is parsed once. */
const knownHeaders = new Map<string, Claims>()
const maxKnownHeaders = 512

const headerOf = (encoded: string): Claims => {
  const known = knownHeaders.get(encoded)
  if (known !== undefined) return known
  const header = objectOf(decodeUtf8(decodeBase64url(encoded)), headerLimits, 'the header is not a JSON object')
  if (knownHeaders.size >= maxKnownHeaders) knownHeaders.clear()
  knownHeaders.set(encoded, header)
  return header
}

const objectOf = (text: string, limits: JsonLimits, complaint: string): Claims => {
  const object = asObject(parseJson(text, limits))
  if (object === undefined) throw new FormatError(complaint)
  return object
}

const decodeUtf8 = (bytes: Uint8Array): string => {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new FormatError('the text is not UTF-8', { cause })
  }
}
