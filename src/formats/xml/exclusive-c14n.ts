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
}

/** Namespaces by prefix, the default one by the empty prefix. */
type Scope = ReadonlyMap<string, string>

/**
 * `element` in Exclusive XML Canonicalization 1.0 without comments (section 3; Canonical XML 1.0 for the form of text,
 * attributes and line ends). The UTF-8 bytes of what is returned are what a signature covers.
 */
export const canonicalText = (element: XmlElement, how: Canonicalization = {}): string => {
  const { inclusivePrefixes = [], ancestors = [], inherited = [], without } = how
  const inclusive = inclusivePrefixes.map((prefix) => (prefix === '#default' ? '' : prefix))
  const scope = inclusive.length === 0 ? nothing : scopeOf(inherited, ancestors)
  return written(element, { inclusive, without }, scope, nothing)
}

const nothing: Scope = new Map()

/** The namespaces that are in scope within the last of `ancestors`, which stand in each other, outermost first. */
export const scopeOf = (inherited: readonly NamespaceDeclaration[], ancestors: readonly XmlElement[]): Scope =>
  ancestors.reduce<Scope>((scope, { declarations }) => within(scope, declarations), within(nothing, inherited))

const within = (scope: Scope, declarations: readonly NamespaceDeclaration[]): Scope =>
  declarations.length === 0
    ? scope
    : new Map([...scope, ...declarations.map(({ prefix, namespace }) => [prefix, namespace] as const)])

interface Manner {
  readonly inclusive: readonly string[]
  readonly without: XmlElement | undefined
}

/**
 * @param outer what is declared around the element in the input; kept only where inclusive prefixes ask for it
 * @param rendered what is declared around it in the output
 */
const written = (element: XmlElement, manner: Manner, outer: Scope, rendered: Scope): string => {
  const scope = manner.inclusive.length === 0 ? outer : within(outer, element.declarations)
  const declared = declarationsOf(element, manner.inclusive, scope, rendered)
  const inner = within(rendered, declared)
  let text = `<${element.name}`
  for (const { prefix, namespace } of declared)
    text += ` xmlns${prefix === '' ? '' : ':'}${prefix}="${asValue(namespace)}"`
  for (const { name, value } of inOrder(element.attributes)) text += ` ${name}="${asValue(value)}"`
  text += '>'
  for (const child of element.children) {
    if (typeof child === 'string') text += asText(child)
    else if (child !== manner.without) text += written(child, manner, scope, inner)
  }
  return `${text}</${element.name}>`
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
    found = [...(found ?? []), { prefix: name, namespace: uri }]
  }
  if (prefix !== 'xml') need(prefix, namespace)
  for (const attribute of attributes)
    if (attribute.prefix !== '' && attribute.prefix !== 'xml') need(attribute.prefix, attribute.namespace)
  for (const name of inclusive) {
    const uri = scope.get(name)
    if (uri !== undefined) need(name, uri)
  }
  return found === undefined ? [] : found.toSorted((a, b) => byCodePoint(a.prefix, b.prefix))
}

/** Attributes by namespace, then by local name; those of none come first. */
const inOrder = (attributes: readonly XmlAttribute[]): readonly XmlAttribute[] =>
  attributes.length < 2
    ? attributes
    : attributes.toSorted((a, b) => byCodePoint(a.namespace, b.namespace) || byCodePoint(a.local, b.local))

/** The order of Unicode code points, which is not that of UTF-16 code units. */
const byCodePoint = (a: string, b: string): number => {
  if (a === b) return 0
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  if (at === a.length || at === b.length) return a.length - b.length
  return rank(a.charCodeAt(at)) - rank(b.charCodeAt(at))
}

/** Surrogates stand for code points beyond all other code units. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

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
