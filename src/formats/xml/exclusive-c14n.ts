import { FormatError } from '../format-error.ts'
import type { NamespaceDeclaration, XmlAttribute, XmlElement } from './document.ts'

/** What is canonicalized, and how. */
export interface Canonicalization {
  /** `PrefixList` of InclusiveNamespaces: prefixes that are handled as in inclusive canonicalization; `#default` too. */
  readonly inclusivePrefixes?: readonly string[]
  /** The elements around it, outermost first: the scope in which its namespaces were declared. */
  readonly ancestors?: readonly XmlElement[]
  /** The namespaces in whose scope the outermost of them stood. */
  readonly inherited?: readonly NamespaceDeclaration[]
  /** A child of it that is left out with all it holds: what the enveloped-signature transform removes. */
  readonly without?: XmlElement
  /** The most characters that it may have. */
  readonly longest?: number
}

/** Namespaces by prefix, the default one by the empty prefix. */
type Scope = ReadonlyMap<string, string>

/**
 * `element` in Exclusive XML Canonicalization 1.0 without comments (section 3; Canonical XML 1.0 for the form of text,
 * attributes and line ends). The UTF-8 bytes of what is returned are what a signature covers.
 *
 * @throws FormatError when it is longer than `how.longest`
 */
export const canonicalText = (element: XmlElement, how: Canonicalization = {}): string => {
  const { inclusivePrefixes = [], ancestors = [], inherited = [], without, longest = Number.POSITIVE_INFINITY } = how
  const inclusive = inclusivePrefixes.map((prefix) => (prefix === '#default' ? '' : prefix))
  const scope = new Map(inclusive.length === 0 ? [] : scopeOf(inherited, ancestors))
  return written(element, { inclusive, without, scope, rendered: new Map(), left: longest })
}

/** The namespaces, by prefix, in whose scope the children of the innermost of `ancestors` stand. */
export const scopeOf = (inherited: readonly NamespaceDeclaration[], ancestors: readonly XmlElement[]): Scope =>
  new Map(
    [inherited, ...ancestors.map(({ declarations }) => declarations)]
      .flat()
      .map(({ prefix, namespace }) => [prefix, namespace]),
  )

/** A walk over a tree: what does not change, and what holds where it is. */
interface Walk {
  readonly inclusive: readonly string[]
  readonly without: XmlElement | undefined
  /** What is declared in the input; kept only where inclusive prefixes ask for it. */
  readonly scope: Map<string, string>
  /** What is declared in the output. */
  readonly rendered: Map<string, string>
  /** How many characters may still be written. */
  left: number
}

const written = (element: XmlElement, walk: Walk): string => {
  const { inclusive, scope, rendered } = walk
  const outerScope = inclusive.length === 0 ? nothing : entered(scope, element.declarations)
  const declared = declarationsOf(element, inclusive, scope, rendered)
  const outerRendered = entered(rendered, declared)
  let text = startTagOf(element, declared)
  walk.left -= text.length
  for (const child of element.children) {
    if (walk.left < 0) throw new FormatError('the canonical form is too long')
    if (typeof child !== 'string') text += child === walk.without ? '' : written(child, walk)
    else {
      const piece = asText(child)
      walk.left -= piece.length
      text += piece
    }
  }
  left(rendered, outerRendered)
  left(scope, outerScope)
  return `${text}</${element.name}>`
}

const startTagOf = ({ name: tag, attributes }: XmlElement, declared: readonly NamespaceDeclaration[]): string => {
  let text = `<${tag}`
  for (const { prefix, namespace } of declared)
    text += ` xmlns${prefix === '' ? '' : ':'}${prefix}="${asValue(namespace)}"`
  for (const { name, value } of inOrder(attributes)) text += ` ${name}="${asValue(value)}"`
  return `${text}>`
}

type Undo = readonly (readonly [prefix: string, namespace: string | undefined])[]

const nothing: Undo = []

/**
 * Takes `declarations` into `scope`, and yields what they hide. One map is changed on the way down and mended on the way
 * up, since a copy at each element would make a small document cost much.
 */
const entered = (scope: Map<string, string>, declarations: readonly NamespaceDeclaration[]): Undo => {
  if (declarations.length === 0) return nothing
  const hidden = declarations.map(({ prefix }) => [prefix, scope.get(prefix)] as const)
  for (const { prefix, namespace } of declarations) scope.set(prefix, namespace)
  return hidden
}

const left = (scope: Map<string, string>, hidden: Undo): void => {
  for (const [prefix, namespace] of hidden) {
    if (namespace === undefined) scope.delete(prefix)
    else scope.set(prefix, namespace)
  }
}

/** The namespaces that the output must declare here: those visibly utilized, and inclusive ones that are in scope. */
const declarationsOf = (
  { prefix, namespace, attributes }: XmlElement,
  inclusive: readonly string[],
  scope: Scope,
  rendered: Scope,
): readonly NamespaceDeclaration[] => {
  let found: NamespaceDeclaration[] | undefined
  const need = (name: string, uri: string): void => {
    if ((rendered.get(name) ?? '') === uri || found?.some((one) => one.prefix === name) === true) return
    if (found === undefined) found = [{ prefix: name, namespace: uri }]
    else found.push({ prefix: name, namespace: uri })
  }
  if (prefix !== 'xml') need(prefix, namespace)
  for (const attribute of attributes)
    if (attribute.prefix !== '' && attribute.prefix !== 'xml') need(attribute.prefix, attribute.namespace)
  for (const name of inclusive) {
    const uri = scope.get(name)
    if (uri !== undefined) need(name, uri)
  }
  return found?.toSorted((a, b) => byCodePoint(a.prefix, b.prefix)) ?? []
}

/** Attributes by namespace, then by local name; those of none come first. */
const inOrder = (attributes: readonly XmlAttribute[]): readonly XmlAttribute[] =>
  attributes.length < 2
    ? attributes
    : attributes.toSorted((a, b) => byCodePoint(a.namespace, b.namespace) || byCodePoint(a.local, b.local))

/** What is ordered by code unit otherwise than by code point: surrogates, which stand for what comes after all others. */
const beyond = /[\ud800-\uffff]/

/** The order of Unicode code points. */
const byCodePoint = (a: string, b: string): number => {
  if (a === b) return 0
  if (!beyond.test(a) || !beyond.test(b)) return a < b ? -1 : 1
  let at = 0
  while (at < a.length && a.charCodeAt(at) === b.charCodeAt(at)) at++
  return rank(a.charCodeAt(at)) - rank(b.charCodeAt(at))
}

/** The end of a text, which is no number, comes before everything. */
const rank = (unit: number): number => {
  if (Number.isNaN(unit)) return -1
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

const textEscapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#xD;' }
const valueEscapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
}

const asText = (text: string): string =>
  /[&<>\r]/.test(text) ? text.replace(/[&<>\r]/g, (one) => textEscapes[one] ?? one) : text

const asValue = (text: string): string =>
  /[&<"\t\n\r]/.test(text) ? text.replace(/[&<"\t\n\r]/g, (one) => valueEscapes[one] ?? one) : text
