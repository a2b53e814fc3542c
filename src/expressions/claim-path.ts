import type { Claims, Json } from '../domain/claims.ts'
import { FormatError } from '../formats/format-error.ts'

/** Reads one value out of a credential's claims; undefined when it is absent. A claim that is null is absent. */
export type ClaimReader = (claims: Claims) => Json | undefined

const readers = new Map<string, ClaimReader>()
const maxKept = 1_000

/**
 * What a document names a claim by: the name of a top-level claim, exactly, or with a leading `/` a JSON pointer
 * (RFC 6901). Only members that a token itself has are seen, never what every object inherits. Rules that read the
 * same claim share one reader, which keeps it in the processor's caches.
 *
 * @throws FormatError when a pointer is malformed
 */
export const claimReader = (path: string): ClaimReader => {
  const reader = readers.get(path) ?? newReader(path)
  if (readers.size >= maxKept) readers.clear()
  readers.set(path, reader)
  return reader
}

const newReader = (path: string): ClaimReader => {
  if (path === '') throw new FormatError('a claim has a name')
  if (!path.startsWith('/')) return (claims) => member(claims, path)
  const steps = path.slice(1).split('/').map(unescaped)
  return (claims) => steps.reduce<Json | undefined>(below, claims)
}

const unescaped = (step: string): string => {
  if (/~(?![01])/.test(step)) throw new FormatError('in a JSON pointer `~` is written ~0 and `/` is written ~1')
  return step.replaceAll('~1', '/').replaceAll('~0', '~')
}

const below = (value: Json | undefined, step: string): Json | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  if (!isList(value)) return member(value, step)
  return /^(0|[1-9][0-9]{0,5})$/.test(step) ? (value[Number(step)] ?? undefined) : undefined
}

const member = (object: Claims, name: string): Json | undefined =>
  Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined

/** `Array.isArray` for lists that nobody may change. */
export const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)
