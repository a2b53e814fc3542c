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
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const COMMA = 0x2c
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
  checkStructure(text, limits.maxDepth ?? 32, limits.maxMembers ?? 2_000)
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

/** An array or object that is open while the text is walked through. */
interface Open {
  readonly names: Set<string> | undefined
  size: number
}

/** Walks through text that is known to be well-formed, so a string followed by a colon is a member's name. */
const checkStructure = (text: string, maxDepth: number, maxMembers: number): void => {
  const open: Open[] = []
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(text, at)
      if (isName(text, end)) addName(open.at(-1), text.slice(at, end))
      at = end - 1
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      if (open.length === maxDepth) throw new FormatError('the JSON text is nested too deeply')
      open.push({ names: code === OPEN_OBJECT ? new Set() : undefined, size: 1 })
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      open.pop()
    } else if (code === COMMA) {
      count(open.at(-1), maxMembers)
    }
  }
}

/** The index after the closing quote of the string that begins at `start`. */
const endOfString = (text: string, start: number): number => {
  let at = start + 1
  while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
  return at + 1
}

const isName = (text: string, after: number): boolean => {
  let at = after
  while (text.charCodeAt(at) <= SPACE) at++
  return text.charCodeAt(at) === COLON
}

const addName = (object: Open | undefined, quoted: string): void => {
  const name = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1)
  if (object?.names === undefined) return
  if (object.names.has(name)) throw new FormatError('a member stands twice in one JSON object')
  object.names.add(name)
}

const count = (container: Open | undefined, maxMembers: number): void => {
  if (container === undefined) return
  container.size++
  if (container.size > maxMembers) throw new FormatError('a JSON array or object has too many members')
}
