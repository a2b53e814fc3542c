import type { ASTNode } from '@marcbachmann/cel-js'
import { didYouMean } from '../formats/suggest.ts'
import { allowedFunctions, comprehensions, substitutes } from './functions.ts'

/** What is wrong with an expression; `offset` counts characters from its beginning. */
export interface ExpressionProblem {
  readonly message: string
  readonly fix?: string
  readonly offset: number
}

const maxInteger = 2n ** 63n - 1n
/** A comprehension in a comprehension, over a list that stands in the expression. */
const maxNesting = 2

/**
 * Finds what the library would accept and a policy must not hold: functions that are wrong, slow or unknown,
 * literals that it gets wrong, and comprehensions whose cost multiplies with the size of a token.
 */
export const guard = (node: ASTNode, variables: readonly string[], nesting = 0): ExpressionProblem | undefined =>
  ofNode(node, variables, nesting) ??
  first(childrenOf(node), (child) => guard(child.node, variables, nesting + (child.repeated ? 1 : 0)))

const first = <T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined => {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}

const ofNode = (node: ASTNode, variables: readonly string[], nesting: number): ExpressionProblem | undefined => {
  if (node.op === 'in') return nesting === 0 ? undefined : ofMembership(node.args[1], node.start)
  if (node.op === 'value') return ofLiteral(node.args, node.start)
  if (node.op !== 'call' && node.op !== 'rcall') return undefined
  const [name] = node.args
  return ofFunction(name, node.start) ?? (isComprehension(node) ? ofComprehension(node, variables, nesting) : undefined)
}

const ofLiteral = (value: unknown, offset: number): ExpressionProblem | undefined => {
  if (typeof value === 'object' && value !== null)
    return { offset, message: 'unsigned and bytes literals are not accepted', fix: 'write 1 or a text in quotes' }
  if (typeof value === 'bigint' && value > maxInteger) return { offset, message: 'this integer is beyond 64 bits' }
  return undefined
}

const ofFunction = (name: string, offset: number): ExpressionProblem | undefined => {
  if (allowedFunctions.has(name)) return undefined
  const fix = substitutes.get(name) ?? didYouMean(name, [...allowedFunctions])
  const message = `the function ${name}() is not available`
  return fix === undefined ? { offset, message } : { offset, message, fix }
}

type MethodCall = ASTNode & { readonly op: 'rcall' }

const isComprehension = (node: ASTNode): node is MethodCall => node.op === 'rcall' && comprehensions.has(node.args[0])

const ofComprehension = (
  node: MethodCall,
  variables: readonly string[],
  nesting: number,
): ExpressionProblem | undefined => {
  const [name, range, [variable]] = node.args
  const offset = node.start
  if (variable?.op === 'id' && variables.includes(variable.args))
    return { offset: variable.start, message: `\`${variable.args}\` is taken`, fix: 'give the element another name' }
  if (nesting === 0) return undefined
  if (nesting >= maxNesting) return { offset, message: `${name}() is nested too deeply` }
  return isLiteralList(range) ? undefined : { offset, message: `${name}() inside another needs ${literalRange}` }
}

/** To look through one claim for every element of another takes time that grows with the square of a token. */
const ofMembership = (range: ASTNode, offset: number): ExpressionProblem | undefined =>
  range.op === 'map' || isLiteralList(range)
    ? undefined
    : { offset, message: `\`in\` inside a comprehension needs ${literalRange}` }

const literalRange = "a list that is written out, such as ['a', 'b']"

const isLiteralList = (node: ASTNode): boolean => node.op === 'list' && node.args.every(({ op }) => op === 'value')

/** A part of an expression; `repeated` when it is evaluated once for each element of a range. */
interface Child {
  readonly node: ASTNode
  readonly repeated: boolean
}

const once = (...nodes: readonly ASTNode[]): readonly Child[] => nodes.map((node) => ({ node, repeated: false }))

const childrenOf = (node: ASTNode): readonly Child[] => {
  if (node.op === 'value' || node.op === 'id') return []
  if (node.op === '.' || node.op === '.?') return once(node.args[0])
  if (node.op === '!_' || node.op === '-_') return once(node.args)
  if (node.op === 'call') return once(...node.args[1])
  if (node.op === 'map') return once(...node.args.flat())
  if (node.op !== 'rcall') return once(...node.args)
  const repeated = isComprehension(node)
  return [...once(node.args[1]), ...node.args[2].map((argument) => ({ node: argument, repeated }))]
}

/** The texts that stand in an expression. */
export const textsIn = (node: ASTNode): readonly string[] =>
  node.op === 'value'
    ? [node.args].filter((value) => typeof value === 'string')
    : childrenOf(node).flatMap((child) => textsIn(child.node))

/** The variables that stand in an expression, those of its comprehensions among them. */
export const namesIn = (node: ASTNode): readonly string[] =>
  node.op === 'id' ? [node.args] : childrenOf(node).flatMap((child) => namesIn(child.node))
