import { type ASTNode, type Environment, ParseError } from '@marcbachmann/cel-js'
import { FormatError } from '../formats/format-error.ts'
import { glob, type MatchesWhole, regex } from '../formats/pattern.ts'

/** What expressions may call, and what to write instead of what they may not. */

const ownFunctions = ['matchesWhole', 'glob', 'asciiLower', 'asciiUpper']

const words = (line: string): readonly string[] => line.split(' ')

const standardFunctions = [
  ...words('has all exists exists_one map filter size contains startsWith endsWith split join'),
  ...words('substring indexOf lastIndexOf string double bool dyn type'),
  ...words('orValue or hasValue value of none'),
  ...words('timestamp duration getFullYear getMonth getDate getDayOfMonth getDayOfWeek'),
  ...words('getHours getMinutes getSeconds getMilliseconds'),
]

/** Everything else that the library knows is refused: what is not listed has not been judged. */
export const allowedFunctions: ReadonlySet<string> = new Set([...standardFunctions, ...ownFunctions])

/** The comprehensions, which evaluate their last arguments once for each element. */
export const comprehensions: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])

/** Why a well-known function is missing, and its substitute. */
export const substitutes: ReadonlyMap<string, string> = new Map([
  ['matches', "write matchesWhole('…'): it matches the whole value, in linear time"],
  ['lowerAscii', 'write asciiLower(): it changes A to Z only'],
  ['upperAscii', 'write asciiUpper(): it changes a to z only'],
  ['int', 'JSON numbers compare and add as they are; for a text write double(…)'],
  ['trim', 'compare the value as it is; a value with spaces around it is another value'],
])

/** Adds dragoman's own functions and the arithmetic between JSON numbers, which are doubles, and integers. */
export const addFunctions = (environment: Environment): Environment => {
  const options = { async: false }
  environment.registerFunction('string.asciiLower(): string', asciiLower, options)
  environment.registerFunction('string.asciiUpper(): string', asciiUpper, options)
  environment.registerFunction('string.matchesWhole(ast): bool', patternMacro(regex), options)
  environment.registerFunction('string.glob(ast): bool', patternMacro(glob), options)
  environment.registerFunction('timestamp(double): google.protobuf.Timestamp', timestampOf, options)
  for (const [operator, compute] of arithmetic) {
    environment.registerOperator(`double ${operator} int: double`, (a: number, b: bigint) => compute(a, Number(b)))
    environment.registerOperator(`int ${operator} double: double`, (a: bigint, b: number) => compute(Number(a), b))
  }
  return environment
}

const asciiLower = (text: string): string => text.replaceAll(/[A-Z]+/g, (run) => run.toLowerCase())

const asciiUpper = (text: string): string => text.replaceAll(/[a-z]+/g, (run) => run.toUpperCase())

/** A NumericDate (RFC 7519 section 2) is a double in CEL's eyes. */
const timestampOf = (seconds: number): Date => {
  if (!(Math.abs(seconds) <= 253_402_300_799)) throw new FormatError('not a time')
  return new Date(seconds * 1000)
}

const arithmetic: readonly (readonly [operator: string, compute: (a: number, b: number) => number])[] = [
  ['+', (a, b) => a + b],
  ['-', (a, b) => a - b],
  ['*', (a, b) => a * b],
  ['/', (a, b) => a / b],
]

/** What the library hands to a macro. */
interface MacroCall {
  readonly args: readonly ASTNode[]
  readonly receiver: ASTNode
}

interface Checker {
  check(node: ASTNode, context: unknown): { readonly kind: string; readonly name: string }
  getType(name: string): unknown
}

interface Evaluator {
  run(node: ASTNode, context: unknown): unknown
}

/** A method whose argument is a pattern: it must be a literal, so that it is compiled once, when the map is loaded. */
const patternMacro =
  (compile: (pattern: string) => MatchesWhole) =>
  ({ args, receiver }: MacroCall) => {
    const matches = compiled(args[0], compile)
    return {
      async: false,
      typeCheck(checker: Checker, _macro: unknown, context: unknown) {
        const { kind, name } = checker.check(receiver, context)
        if (kind !== 'dyn' && name !== 'string') throw problem('a pattern matches a string', receiver)
        return checker.getType('bool')
      },
      evaluate(evaluator: Evaluator, _macro: unknown, context: unknown) {
        const value = evaluator.run(receiver, context)
        if (typeof value !== 'string') throw new FormatError('a pattern matches a string')
        return matches(value)
      },
    }
  }

const compiled = (pattern: ASTNode | undefined, compile: (pattern: string) => MatchesWhole): MatchesWhole => {
  if (pattern?.op !== 'value' || typeof pattern.args !== 'string')
    throw problem('the pattern must be a text in quotes', pattern)
  try {
    return compile(pattern.args)
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw problem(cause.message, pattern)
  }
}

const problem = (message: string, node: ASTNode | undefined): ParseError =>
  new ParseError(node === undefined ? { message } : { message, node })
