import * as z from 'zod'
import type { Fault } from '../domain/fault.ts'
import { type DocumentPath, type ParsedDocument, pathText } from './documents.ts'
import { didYouMean, nearest } from './suggest.ts'

type Issue = z.core.$ZodIssue

/** Where faults are found: a document, the path at which `value` stands in it, and the schema that judged it. */
export interface Judged {
  readonly document: ParsedDocument
  readonly at: DocumentPath
  readonly value: unknown
  readonly schema: z.ZodType
}

/** Everything that a schema found wrong, as faults that say where it stands and what to write instead. */
export const schemaFaults = (issues: readonly Issue[], judged: Judged): readonly Fault[] => {
  const shape = lazily(() => z.toJSONSchema(judged.schema, { io: 'input', unrepresentable: 'any' }))
  const all = issues.flatMap((issue) => settled(issue, []))
  const misspelt = new Set(all.flatMap((one) => misspeltIn(one, shape)))
  const isMisspelt = ({ path }: Settled) => valueAt(judged.value, path) === undefined && misspelt.has(pathText(path))
  return all.filter((one) => !isMisspelt(one)).flatMap((one) => faultsOf(one, judged, shape))
}

/** The places of keys that are there under a misspelt name: to say that they are missing would be to say it twice. */
const misspeltIn = ({ issue, path }: Settled, shape: () => JsonSchema): readonly string[] => {
  if (issue.code !== 'unrecognized_keys') return []
  const known = keysAt(shape(), path)
  return issue.keys
    .map((key) => nearest(key, known))
    .flatMap((key) => (key === undefined ? [] : pathText([...path, key])))
}

/** An issue with its whole path and without unions. */
interface Settled {
  readonly issue: Exclude<Issue, z.core.$ZodIssueInvalidUnion>
  readonly path: DocumentPath
}

const settled = (issue: Issue, above: DocumentPath): readonly Settled[] => {
  const path = [...above, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))]
  if (issue.code !== 'invalid_union') return [{ issue, path }]
  const branches = issue.errors.map((branch) => branch.flatMap((inner) => settled(inner, path)))
  return commonChoice(branches) ?? meant(branches, path)
}

/** All branches want another word at the same place, as a kind that does not exist: the words belong together. */
const commonChoice = (branches: readonly (readonly Settled[])[]): readonly Settled[] | undefined => {
  const choices = branches.map((branch) => branch.find(({ issue }) => issue.code === 'invalid_value'))
  const [first] = choices
  if (first === undefined || first.issue.code !== 'invalid_value') return undefined
  const place = pathText(first.path)
  const values = choices.flatMap((choice) =>
    choice?.issue.code === 'invalid_value' && pathText(choice.path) === place ? [choice.issue.values] : [],
  )
  return values.length === branches.length
    ? [{ ...first, issue: { ...first.issue, values: values.flat() } }]
    : undefined
}

/** The branch that the author meant is the one that is nearest to being right. */
const meant = (branches: readonly (readonly Settled[])[], path: DocumentPath): readonly Settled[] => {
  const cost = (branch: readonly Settled[]) =>
    branch.reduce((sum, one) => sum + costOf(one, path), 0) - (hasMisspeltKey(branch) ? 2 : 0)
  const byCost = branches.map((branch) => ({ branch, cost: cost(branch) })).toSorted((a, b) => a.cost - b.cost)
  const [best] = byCost
  if (best === undefined) return []
  return best.cost < wrongForm ? best.branch : [{ path, issue: noForm(byCost.map(({ branch }) => branch)) }]
}

const wrongForm = 1_000

/** Does a key that the branch does not know look like one that it misses? */
const hasMisspeltKey = (branch: readonly Settled[]): boolean => {
  const wanted = branch.flatMap(({ issue, path }) => (issue.code === 'invalid_type' ? [String(path.at(-1))] : []))
  const unknown = branch.flatMap(({ issue }) => (issue.code === 'unrecognized_keys' ? issue.keys : []))
  return unknown.some((key) => nearest(key, wanted) !== undefined)
}

const costOf = ({ issue, path }: Settled, union: DocumentPath): number => {
  const isOfTheWhole = path.length === union.length
  if (isOfTheWhole && formsOf(issue).length > 0) return wrongForm
  if (issue.code === 'invalid_value') return isOfTheWhole ? wrongForm - 1 : 100
  return issue.code === 'unrecognized_keys' ? 3 * issue.keys.length : 1
}

/** The forms that a value should have had. */
const formsOf = (issue: Settled['issue']): readonly string[] => {
  if (issue.code === 'invalid_type') return [issue.expected]
  const forms: unknown = issue.code === 'custom' ? issue.params?.['forms'] : undefined
  return Array.isArray(forms) ? forms.map(String) : []
}

/** The value is of none of the forms: name them all. */
const noForm = (branches: readonly (readonly Settled[])[]): Settled['issue'] => {
  const forms = [...new Set(branches.flat().flatMap(({ issue }) => formsOf(issue)))]
  const message = `must be ${forms.map((form) => typeWords[form] ?? form).join(' or ')}`
  return { code: 'custom', path: [], message, params: { forms } }
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
  null: 'nothing',
}

const faultsOf = ({ issue, path }: Settled, judged: Judged, shape: () => JsonSchema): readonly Fault[] => {
  const whole = [...judged.at, ...path]
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, judged, shape))
  const message = messageOf(issue, valueAt(judged.value, path))
  const fix = fixOf(issue, valueAt(judged.value, path), () => schemasAt(shape(), path))
  const location = judged.document.locate(whole, issue.code === 'invalid_key' ? 'key' : 'value', offsetOf(issue))
  return [{ location, path: pathText(whole), message, ...(fix === undefined ? {} : { fix }) }]
}

/** What a check of our own says beside its message: the place in a text, and what to write instead. */
export interface Remark {
  readonly message: string
  readonly fix?: string | undefined
  /** Characters from the beginning of the text. */
  readonly offset?: number | undefined
}

/** An issue for `remark`, at `path` below the value that is checked. */
export const remarked = (remark: Remark, path: DocumentPath = []) => ({
  code: 'custom' as const,
  message: remark.message,
  path: [...path],
  params: { fix: remark.fix, offset: remark.offset },
})

/** A check that is made only where nothing else is wrong, so that one mistake is reported once. */
export const ifSound = (message: string) => ({
  error: message,
  when: ({ issues }: { readonly issues: readonly unknown[] }) => issues.length === 0,
})

const offsetOf = (issue: Settled['issue']): number | undefined => {
  const offset: unknown = issue.code === 'custom' ? issue.params?.['offset'] : undefined
  return typeof offset === 'number' ? offset : undefined
}

const unknownKey = (key: string, path: DocumentPath, judged: Judged, shape: () => JsonSchema): Fault => {
  const whole = [...judged.at, ...path, key]
  const fix = didYouMean(key, keysAt(shape(), path)) ?? 'leave it out'
  return { location: judged.document.locate(whole, 'key'), path: pathText(whole), message: 'unknown key', fix }
}

const messageOf = (issue: Settled['issue'], value: unknown): string => {
  const isForm = formsOf(issue).length > 0
  if (value === undefined && (isForm || issue.code !== 'custom')) return 'is missing'
  if (value === null && isForm) return 'is empty'
  if (issue.code === 'invalid_type') return `must be ${typeWords[issue.expected] ?? issue.expected}`
  if (issue.code === 'invalid_value')
    return issue.values.length === 1 ? `must be ${String(issue.values[0])}` : 'is not one of the known words'
  if (issue.code === 'too_small')
    return issue.origin === 'number' ? `must be at least ${issue.minimum}` : 'holds too little'
  if (issue.code === 'too_big')
    return `must be at most ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`
  if (issue.code === 'invalid_key') return `this key is not acceptable: ${issue.issues[0]?.message ?? 'wrong form'}`
  return issue.message
}

const fixOf = (issue: Settled['issue'], value: unknown, schemas: () => readonly JsonSchema[]): string | undefined => {
  if (issue.code === 'custom' && formsOf(issue).length === 0) return textOf(issue.params?.['fix'])
  if (issue.code === 'invalid_value' && issue.values.length > 1)
    return didYouMean(textOf(value) ?? '', issue.values.map(String))
  const [example] = schemas().flatMap(({ examples }) => examples ?? [])
  if (example === undefined) return undefined
  return `for example ${typeof example === 'string' ? example : JSON.stringify(example)}`
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const valueAt = (value: unknown, path: DocumentPath): unknown =>
  path.reduce<unknown>(
    (within, step) => (typeof within === 'object' && within !== null ? Object(within)[step] : undefined),
    value,
  )

type JsonSchema = z.core.JSONSchema.BaseSchema
/** In JSON Schema `true` stands for a schema that allows everything. */
type AnySchema = JsonSchema | boolean | undefined

const keysAt = (root: JsonSchema, path: DocumentPath): readonly string[] => [
  ...new Set(schemasAt(root, path).flatMap(({ properties }) => Object.keys(properties ?? {}))),
]

/** Every schema that may apply at `path`. */
const schemasAt = (root: JsonSchema, path: DocumentPath): readonly JsonSchema[] =>
  path.reduce(
    (schemas, step) => schemas.flatMap((schema) => branchesOf(stepInto(schema, step), root)),
    branchesOf(root, root),
  )

const branchesOf = (schema: AnySchema, root: JsonSchema): readonly JsonSchema[] => {
  if (typeof schema !== 'object') return []
  const referred = schema.$ref === undefined ? undefined : root.$defs?.[schema.$ref.replace('#/$defs/', '')]
  const inner = [referred, ...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  return [schema, ...inner.flatMap((one) => branchesOf(one, root))]
}

const stepInto = (schema: JsonSchema, step: string | number): AnySchema => {
  if (typeof step === 'string') return schema.properties?.[step] ?? schema.additionalProperties
  return Array.isArray(schema.items) ? undefined : schema.items
}

const lazily = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
