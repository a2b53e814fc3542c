import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  type ParsedNode,
  parseAllDocuments,
} from 'yaml'
import type { Fault, Location } from '../domain/fault.ts'

/** The keys and indexes that lead from a document's root to a place in it. */
export type DocumentPath = readonly (string | number)[]

/** One YAML document, read. */
export interface ParsedDocument {
  readonly value: unknown
  /**
   * Where the thing at `path` stands: its value, or its key when `part` says so. What is not there is found at its
   * nearest ancestor. `offset` counts characters into a text that is written on one line or as a literal block.
   */
  locate(path: DocumentPath, part?: 'key' | 'value', offset?: number): Location
}

const maxLength = 4 * 1_048_576
const maxDepth = 32
const maxFaults = 50

/** `spec.rules[0].when.claims["/san/dns"]`, for people. */
export const pathText = (path: DocumentPath): string =>
  path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    if (!/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(step)) return `${text}[${JSON.stringify(step)}]`
    return text === '' ? step : `${text}.${step}`
  }, '')

/** `a.b[0]` as the keys and indexes that lead there. */
export const stepsIn = (path: string): DocumentPath =>
  (path.match(/[^.[\]]+/g) ?? []).map((step) => (/^\d+$/.test(step) ? Number(step) : step))

/**
 * Reads all YAML documents of a file (YAML 1.2, core schema). What two readers could take differently is a fault: a
 * repeated key, an alias, a tag, a `%YAML` directive for another version, an integer too large for JSON.
 *
 * @returns the documents that hold something, and every fault. Never throws.
 */
export const parseDocuments = (
  file: string,
  text: string,
): { readonly documents: readonly ParsedDocument[]; readonly faults: readonly Fault[] } => {
  const lines = new LineCounter()
  if (text.length > maxLength) return unread(file, 'the file is larger than 4 MiB')
  const composedDocuments = composed(text, lines)
  if (composedDocuments === undefined) return unread(file, 'the file cannot be read as YAML')
  const documents: ParsedDocument[] = []
  const faults: Fault[] = []
  for (const document of composedDocuments) {
    const reader = newReader(file, lines, faults)
    for (const problem of [...document.errors, ...document.warnings].slice(0, maxFaults))
      reader.report(problem.pos[0], [], sentence(problem.message))
    if (isOtherVersion(document)) reader.report(0, [], 'only YAML 1.2 is read', 'leave out the %YAML directive')
    const value = document.errors.length > 0 ? undefined : reader.read(document.contents, [])
    if (value !== undefined && value !== null) documents.push(documentOf(file, text, lines, document, value))
  }
  return { documents, faults: faults.slice(0, maxFaults) }
}

const unread = (file: string, why: string) => ({
  documents: [],
  faults: [fault({ file, line: 1, column: 1 }, '', why)],
})

const fault = (location: Location, path: string, message: string, fix?: string): Fault =>
  fix === undefined ? { location, path, message } : { location, path, message, fix }

const options = {
  version: '1.2',
  schema: 'core',
  stringKeys: true,
  prettyErrors: false,
  logLevel: 'silent',
  // The library compares every key with every other; the reader below finds repeated keys in linear time.
  uniqueKeys: false,
} as const

/** Undefined when the library gives up. */
const composed = (text: string, lineCounter: LineCounter): readonly Document.Parsed[] | undefined => {
  try {
    const parsed = parseAllDocuments(text, { ...options, lineCounter })
    return Array.isArray(parsed) ? parsed : []
  } catch {
    return undefined
  }
}

const isOtherVersion = (document: Document.Parsed): boolean => document.directives.yaml.version !== '1.2'

/** The library's message as one short sentence without what it quotes over several lines. */
const sentence = (message: string): string => (message.split('\n')[0] ?? message).slice(0, 200)

/** Builds plain values from nodes and collects what must not stand there. */
const newReader = (file: string, lines: LineCounter, faults: Fault[]) => {
  const report = (offset: number, path: DocumentPath, message: string, fix?: string): undefined => {
    faults.push(fault(place(file, lines, offset), pathText(path), message, fix))
    return undefined
  }

  const read = (node: ParsedNode | null, path: DocumentPath): unknown => {
    if (node === null) return null
    const [offset] = node.range
    if (isAlias(node)) return report(offset, path, 'anchors and aliases are not read', 'write the value out')
    if (!isPlainTag(node.tag)) return report(offset, path, 'tags are not read', 'leave the tag out')
    if (path.length > maxDepth) return report(offset, path, `nested deeper than ${maxDepth} levels`)
    if (isSeq(node)) return node.items.map((item, index) => read(item, [...path, index]))
    if (isMap(node)) return readMembers(node.items, path)
    return readScalar(node.value, offset, path)
  }

  const readMembers = (members: readonly Member[], path: DocumentPath): unknown => {
    const object: Record<string, unknown> = {}
    for (const { key, value } of members) {
      const name = nameOf(key)
      const inside = [...path, name]
      const [offset] = key.range
      if (name === '__proto__') report(offset, inside, '`__proto__` cannot be a key')
      else if (Object.hasOwn(object, name)) report(offset, inside, `the key \`${name}\` stands twice`, 'keep one')
      else object[name] = read(value, inside)
    }
    return object
  }

  const readScalar = (value: unknown, offset: number, path: DocumentPath): unknown => {
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
      return report(offset, path, 'the number is beyond 2^53: JSON readers disagree on it', 'write it in quotes')
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
    return value === null ? null : report(offset, path, 'this kind of value is not read')
  }

  return { report, read }
}

type Member = Pair<ParsedNode, ParsedNode | null>

/** The library has been told to take text only as a key. */
const nameOf = (key: ParsedNode): string => (isScalar(key) ? String(key.value) : '')

const plainTags = /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)$/

const isPlainTag = (tag: string | undefined): boolean => tag === undefined || plainTags.test(tag)

const place = (file: string, lines: LineCounter, offset: number): Location => {
  const { line, col } = lines.linePos(offset)
  return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
}

/** What stands at a path: the node and, in a map, the key that leads to it. */
interface Found {
  readonly node: ParsedNode | null
  readonly key?: ParsedNode
  readonly whole: boolean
}

const find = (root: ParsedNode | null, path: DocumentPath): Found => {
  let found: Found = { node: root, whole: true }
  for (const step of path) {
    const next = below(found.node, step)
    if (next === undefined) return { ...found, whole: false }
    found = next
  }
  return found
}

const below = (node: ParsedNode | null, step: string | number): Found | undefined => {
  if (isMap(node)) {
    const member = node.items.find(({ key }) => nameOf(key) === String(step))
    return member && { node: member.value, key: member.key, whole: true }
  }
  const item = isSeq(node) ? node.items[Number(step)] : undefined
  return item && { node: item, whole: true }
}

const documentOf = (
  file: string,
  text: string,
  lines: LineCounter,
  document: Document.Parsed,
  value: unknown,
): ParsedDocument => ({
  value,
  locate(path, part = 'value', offset) {
    const { node, key, whole } = find(document.contents, path)
    const preferred = whole && part === 'value' ? (node ?? key) : (key ?? node)
    const start = preferred?.range[0] ?? 0
    const inText = whole && part === 'value' && offset !== undefined ? offsetInText(text, node, offset) : undefined
    return place(file, lines, inText ?? start)
  },
})

/** Where in the file the character `offset` of a text scalar stands; undefined when its spelling hides that. */
const offsetInText = (text: string, node: ParsedNode | null, offset: number): number | undefined => {
  if (!isScalar(node) || typeof node.value !== 'string') return undefined
  const [start, end] = node.range
  const source = text.slice(start, end)
  const quote = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE' ? 1 : 0
  if (source.startsWith(node.value, quote)) return start + quote + offset
  return node.type === 'BLOCK_LITERAL' ? offsetInBlock(source, node.value, start, offset) : undefined
}

/** A literal block keeps its lines; each stands indented in the file. */
const offsetInBlock = (source: string, value: string, start: number, offset: number): number | undefined => {
  const before = value.slice(0, offset).split('\n')
  const wanted = value.split('\n')[before.length - 1] ?? ''
  const sourceLines = source.split('\n')
  const lineStart = sourceLines.slice(0, before.length).reduce((sum, line) => sum + line.length + 1, start)
  const indent = (sourceLines[before.length] ?? '').indexOf(wanted)
  return indent < 0 ? undefined : lineStart + indent + (before.at(-1)?.length ?? 0)
}
