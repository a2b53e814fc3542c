import { type ASTNode, TypeError as CheckError, Environment, EvaluationError, ParseError } from '@marcbachmann/cel-js'
import type { Claims, Json } from '../domain/claims.ts'
import { Refusal } from '../domain/refusal.ts'
import { didYouMean } from '../formats/suggest.ts'
import { isList } from './claim-path.ts'
import { addFunctions } from './functions.ts'
import { type ExpressionProblem, guard, namesIn, textsIn } from './guard.ts'

/** What expressions and conditions may read. Absent parts are empty objects, so a misspelt name is found at load. */
export interface Facts {
  readonly claims: Claims
  readonly header: Claims
  /** `id` and `method`. */
  readonly client: Claims
  /** `targets` and `scope`, each a list; of a request through a gateway also `method`, `host`, `port`, `path`, `scheme`. */
  readonly request: Claims
  /** `name`; empty where no gateway asks. */
  readonly gateway: Claims
  readonly identity: Claims
  /** The verified actor: `map`, `kind`, `claims`, `subject`, `type`; empty when nobody acts for the subject. */
  readonly actor: Claims
  /** Whole seconds since the epoch, like the times in claims; `timestamp(now)` gives CEL's own kind of time. */
  readonly now: bigint
}

/** Stands for a value that is not there, because a claim that the expression reads is missing. */
export const absent = Symbol('absent')

/** A CEL expression, compiled. */
export interface Expression {
  readonly text: string
  /** The texts that stand in it: what policy refers to. */
  readonly texts: readonly string[]
  /** The variables that it reads. */
  readonly reads: readonly string[]
  /**
   * The value, or `absent` when a claim that it needs is missing.
   *
   * @throws Refusal `map.expression_failed` when it cannot be computed
   */
  evaluate(facts: Facts): unknown
  /** The part of the text that reads what is not there; undefined when nothing is missing. */
  missing(facts: Facts): string | undefined
}

/** Is it one, among the values of a document? */
export const isExpression = (value: object): value is Expression =>
  'evaluate' in value && typeof value.evaluate === 'function'

/**
 * What a condition yielded. A missing claim means that it does not hold.
 *
 * @throws Refusal `map.expression_failed` when it is neither true nor false
 */
export const isTrue = (value: unknown): boolean => {
  if (typeof value === 'boolean') return value
  if (value === absent) return false
  throw new Refusal('map.expression_failed', 'an expression yielded neither true nor false')
}

/** What an expression must yield. */
export type ResultType = 'bool' | 'string' | 'strings' | 'json'

/** What is known at the place where an expression stands: `identity` only once a rule has made one, and then, at a
 * partner's, nothing of the credential that it was made of. */
export type Scope = 'credential' | 'identity' | 'partner'

const maxLength = 2_048
const limits = { maxAstNodes: 500, maxDepth: 24 }

const newEnvironment = (variables: readonly string[]): Environment => {
  const environment = new Environment({ homogeneousAggregateLiterals: false, enableOptionalTypes: true, limits })
  for (const variable of variables) environment.registerVariable(variable, 'map<string, dyn>')
  return addFunctions(environment.registerVariable('now', 'int'))
}

const partnerVariables = ['identity', 'client', 'request', 'gateway']
const credentialVariables = ['claims', 'header', 'client', 'request', 'gateway', 'actor']
const variables: Readonly<Record<Scope, readonly string[]>> = {
  credential: [...credentialVariables, 'now'],
  identity: [...credentialVariables, 'identity', 'now'],
  partner: [...partnerVariables, 'now'],
}
const environments: Readonly<Record<Scope, Environment>> = {
  credential: newEnvironment(credentialVariables),
  identity: newEnvironment([...credentialVariables, 'identity']),
  partner: newEnvironment(partnerVariables),
}

/** A compiled expression, or what is wrong with it. */
export type Compiled = { readonly expression: Expression } | { readonly problem: ExpressionProblem }

/** Rules that say the same share one compiled expression, which keeps it in the processor's caches. */
const compiled = new Map<string, Compiled>()
const maxKept = 1_000

/** Compiles and type-checks `text`, or says what is wrong with it. */
export const compileExpression = (text: string, scope: Scope, wanted: ResultType): Compiled => {
  const key = `${scope} ${wanted} ${text}`
  const known = compiled.get(key) ?? compile(text, scope, wanted)
  if (compiled.size >= maxKept) compiled.clear()
  compiled.set(key, known)
  return known
}

const compile = (text: string, scope: Scope, wanted: ResultType): Compiled => {
  if (text.length > maxLength) return { problem: { offset: 0, message: `longer than ${maxLength} characters` } }
  try {
    const program = environments[scope].parse(text)
    const problem = guard(program.ast, variables[scope]) ?? typeProblem(program.check(), scope, wanted)
    return problem === undefined ? { expression: expressionOf(text, program) } : { problem }
  } catch (error) {
    return { problem: problemOf(error, scope) }
  }
}

const typeProblem = (
  { type, error }: { readonly type?: string; readonly error?: unknown },
  scope: Scope,
  wanted: ResultType,
): ExpressionProblem | undefined => {
  if (error !== undefined) return problemOf(error, scope)
  if (resultTypes[wanted].test(type ?? '')) return undefined
  const message = `yields ${type ?? 'nothing'}, but ${resultWords[wanted]} is wanted`
  if (wanted !== 'bool' || type !== 'dyn') return { offset: 0, message }
  return { offset: 0, message, fix: 'compare the value with something, for example == true' }
}

const resultTypes: Readonly<Record<ResultType, RegExp>> = {
  bool: /^bool$/,
  string: /^(string|dyn)$/,
  strings: /^(dyn|list|list<(string|dyn|[A-Z])>)$/,
  json: /^(string|bool|int|double|dyn|list|list<(string|dyn|[A-Z])>)$/,
}

const resultWords: Readonly<Record<ResultType, string>> = {
  bool: 'true or false',
  string: 'a string',
  strings: 'a list of strings',
  json: 'a string, a number, true or false, or a list of strings',
}

const problemOf = (error: unknown, scope: Scope): ExpressionProblem => {
  if (!(error instanceof ParseError || error instanceof CheckError)) return { offset: 0, message: 'cannot be compiled' }
  const offset = error.node?.start ?? error.range?.start ?? 0
  const unknown = error.code === 'unknown_variable' ? error.summary.replace('Unknown variable: ', '') : undefined
  if (unknown === undefined) return { offset, message: error.summary }
  if (unknown === 'identity') return { offset, message: 'identity is known in identityValidationRules only' }
  const fix = didYouMean(unknown, variables[scope])
  return { offset, message: `unknown variable ${unknown}`, ...(fix === undefined ? {} : { fix }) }
}

type Program = ReturnType<Environment['parse']>

const expressionOf = (text: string, program: Program): Expression => {
  const run = (facts: Facts): { readonly value: unknown } | { readonly error: unknown } => {
    try {
      requireReadable(facts.claims)
      return { value: program(facts) }
    } catch (error) {
      return { error }
    }
  }
  return {
    text,
    texts: textsIn(program.ast),
    reads: namesIn(program.ast),
    evaluate(facts) {
      const outcome = run(facts)
      if ('value' in outcome) return outcome.value
      if (outcome.error instanceof Refusal) throw outcome.error
      if (isMissing(outcome.error)) return absent
      throw failed(text, reasonOf(outcome.error))
    },
    missing(facts) {
      const outcome = run(facts)
      if ('value' in outcome || !isMissing(outcome.error)) return undefined
      const node: ASTNode | undefined = outcome.error.node
      return node === undefined ? text : text.slice(node.start, node.end)
    },
  }
}

const isMissing = (error: unknown): error is EvaluationError =>
  error instanceof EvaluationError && (error.code === 'no_such_key' || error.code === 'index_out_of_bounds')

/** The library's messages quote values; its codes do not. */
const reasonOf = (error: unknown): string =>
  error instanceof EvaluationError ? error.code.replaceAll('_', ' ') : 'it cannot be computed'

const maxQuoted = 120

const quoted = (text: string): string => JSON.stringify(text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text)

const failed = (text: string, why: string): Refusal =>
  new Refusal('map.expression_failed', `the expression ${quoted(text)} failed: ${why}`)

const maxNesting = 8
/** The claims that were looked through last: all expressions of an exchange read the same. */
let readable: Claims | undefined

/**
 * Expressions see claims only if every reader sees the same in them: an integer beyond 2^53 is another number after
 * parsing, so two subjects could become one (RFC 7493 section 2.2). Depth is bounded because the library keeps what
 * it learns about every shape that it meets.
 */
const requireReadable = (claims: Claims): void => {
  if (claims === readable) return
  for (const name of Object.keys(claims)) {
    const why = unreadable(claims[name], maxNesting)
    if (why !== undefined) throw new Refusal('map.expression_failed', `the claim ${quoted(name)} ${why}`)
  }
  readable = claims
}

const unreadable = (value: Json | undefined, nesting: number): string | undefined => {
  if (typeof value === 'number')
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? 'holds an integer beyond 2^53' : undefined
  if (typeof value !== 'object' || value === null) return undefined
  if (nesting === 0) return `is nested deeper than ${maxNesting} levels`
  for (const inner of isList(value) ? value : Object.values(value)) {
    const why = unreadable(inner, nesting - 1)
    if (why !== undefined) return why
  }
  return undefined
}
