import type { Claims, Json } from '../domain/claims.ts'
import { FormatError } from './format-error.ts'

/** What a document may measure at most. */
export interface JsonLimits {
  /** Characters. */
  readonly maxLength?: number
  /** Nested arrays and objects. */
  readonly maxDepth?: number
  /** Elements of one array, members of one object. */
  readonly maxMembers?: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const SPACE = 0x20

/**
 * Parses JSON (RFC 8259) and refuses what `JSON.parse` lets pass: a member that stands twice in one object, which two
 * parsers read differently (RFC 7519 section 4), and documents too long, deep or wide to be honest.
 *
 * @throws FormatError
 */
export const parseJson = (text: string, limits: JsonLimits = {}): Json => {
  if (text.length > (limits.maxLength ?? 262_144)) throw new FormatError('the JSON text is too long')
  const value = parse(text)
  const size = countMembers(value, limits.maxDepth ?? 32, limits.maxMembers ?? 2_000)
  if (countNames(text) !== size) throw new FormatError('a member stands twice in one JSON object')
  return value
}

/** The value as an object's members, or undefined when it is anything else. */
export const asObject = (value: Json | undefined): Claims | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : undefined

const parse = (text: string): Json => {
  try {
    return JSON.parse(text) as Json
  } catch {
    // The platform's error quotes the text, so it is not kept as a cause.
    throw new FormatError('the text is not JSON')
  }
}

/** How many members all objects in `value` have together. */
const countMembers = (value: Json, depthLeft: number, maxMembers: number): number => {
  if (typeof value !== 'object' || value === null) return 0
  if (depthLeft === 0) throw new FormatError('the JSON text is nested too deeply')
  const inner = Array.isArray(value) ? (value as readonly Json[]) : Object.values(value)
  if (inner.length > maxMembers) throw new FormatError('a JSON array or object has too many members')
  let count = Array.isArray(value) ? 0 : inner.length
  for (const one of inner) if (typeof one === 'object') count += countMembers(one, depthLeft - 1, maxMembers)
  return count
}

/**
 * How many members' names stand in text that is known to be well-formed: strings that a colon follows. There are more
 * of them than members only where a member stands twice, in whatever spelling.
 */
const countNames = (text: string): number => {
  const hasEscapes = text.includes('\\')
  let count = 0
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at)) {
    at = hasEscapes ? endOfString(text, at) : text.indexOf('"', at + 1) + 1
    while (text.charCodeAt(at) <= SPACE) at++
    if (text.charCodeAt(at) === COLON) count++
  }
  return count
}

/** The index after the closing quote of the string that begins at `start`. */
const endOfString = (text: string, start: number): number => {
  let at = start + 1
  while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
  return at + 1
}
