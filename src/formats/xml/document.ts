import { SaxesParser, type SaxesTagNS, type XMLDecl } from 'saxes'
import { FormatError } from '../format-error.ts'

/** An element as XML 1.0 and Namespaces in XML 1.0 see it: names resolved, references expanded, line ends normalized. */
export interface XmlElement {
  /** As written, with its prefix. */
  readonly name: string
  /** Empty: it has none. */
  readonly prefix: string
  readonly local: string
  /** Empty: it is in none. */
  readonly namespace: string
  /** All but the namespace declarations, as they stand. */
  readonly attributes: readonly XmlAttribute[]
  readonly declarations: readonly NamespaceDeclaration[]
  /** No two texts follow each other. */
  readonly children: readonly XmlNode[]
}

export type XmlNode = XmlElement | string

export interface XmlAttribute {
  readonly name: string
  readonly prefix: string
  readonly local: string
  readonly namespace: string
  readonly value: string
}

/** `xmlns:prefix="namespace"`; the prefix is empty for the default namespace. */
export interface NamespaceDeclaration {
  readonly prefix: string
  readonly namespace: string
}

export interface XmlLimits {
  /** In UTF-16 code units. */
  readonly characters: number
  readonly depth: number
  readonly elements: number
  /** On one element, namespace declarations included. */
  readonly attributes: number
}

const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/'

/**
 * Parses one XML document that people have no reason to be clever in. Refused: whatever is not well-formed, a DOCTYPE
 * and so every entity but the five, processing instructions, a declared encoding other than UTF-8, XML 1.1, namespace
 * names that are not absolute (canonicalization is not defined over them: Canonical XML 1.1 section 1.3), and comments
 * beside text, where readers differ in what the text is. Other comments are left out, as canonicalization does.
 *
 * @param inherited the namespaces, by prefix, in whose scope the text stood, where it was cut out of another document
 * @throws FormatError; the message never quotes the text
 */
export const parseXml = (
  text: string,
  limits: XmlLimits,
  inherited: readonly NamespaceDeclaration[] = [],
): XmlElement => {
  if (text.length > limits.characters) refuse('the XML is too long')
  refuseMarkup(text)
  const tree = treeOf(limits)
  const parser = new SaxesParser({
    xmlns: true,
    position: false,
    defaultXMLVersion: '1.0',
    forceXMLVersion: true,
    additionalNamespaces: Object.fromEntries(inherited.map(({ prefix, namespace }) => [prefix, namespace])),
  })
  // With a sixth handler the parser's object becomes one that V8 reads seven times more slowly.
  parser.on('opentag', tree.open)
  parser.on('closetag', tree.close)
  parser.on('text', tree.text)
  parser.on('cdata', tree.text)
  parser.on('comment', tree.comment)
  try {
    parser.write(text)
    assertDeclaration(parser.xmlDecl)
    parser.close()
  } catch (cause) {
    if (cause instanceof FormatError) throw cause
    throw new FormatError('the XML is not well-formed', { cause })
  }
  return tree.root()
}

/**
 * A DOCTYPE, which alone can declare entities, and processing instructions are looked for in the bare text, before
 * anything is parsed. Well-formed text has these characters elsewhere in comments and sections at most.
 */
const refuseMarkup = (text: string): void => {
  if (text.includes('<!DOCTYPE')) refuse('the XML has a DOCTYPE')
  const isAtBeginning = text.lastIndexOf('<?') <= 0
  if (!isAtBeginning || (text.startsWith('<?') && !/^<\?xml[\t\n\r ]/.test(text)))
    refuse('the XML has a processing instruction')
}

const refuse = (message: string): never => {
  throw new FormatError(message)
}

const assertDeclaration = ({ version, encoding }: XMLDecl): void => {
  if (version !== undefined && version !== '1.0') refuse('the XML is not of version 1.0')
  if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8')
    refuse('the XML declares another encoding than UTF-8')
}

interface Growing extends XmlElement {
  readonly children: XmlNode[]
  hasComment: boolean
}

const treeOf = (limits: XmlLimits) => {
  const stack: Growing[] = []
  let root: Growing | undefined
  let elements = 0
  return {
    open: (tag: SaxesTagNS): void => {
      elements++
      if (stack.length >= limits.depth) refuse('the XML is nested too deeply')
      if (elements > limits.elements) refuse('the XML has too many elements')
      const element = elementOf(tag, limits)
      const parent = stack.at(-1)
      if (parent === undefined) root = element
      else parent.children.push(element)
      stack.push(element)
    },
    close: (): void => {
      const element = stack.pop()
      if (element?.hasComment === true && element.children.some(isText)) refuse('the XML has a comment beside text')
    },
    text: (text: string): void => {
      const element = stack.at(-1)
      if (element === undefined || text === '') return
      const last = element.children.length - 1
      const before = element.children[last]
      if (typeof before === 'string') element.children[last] = before + text
      else element.children.push(text)
    },
    comment: (): void => {
      const element = stack.at(-1)
      if (element !== undefined) element.hasComment = true
    },
    root: (): XmlElement => root ?? refuse('the XML has no element'),
  }
}

const isText = (child: XmlNode): boolean => typeof child === 'string' && !isBlank(child)

/** White space as XML 1.0 section 2.3 has it. */
export const isBlank = (text: string): boolean => !/[^\t\n\r ]/.test(text)

const elementOf = (tag: SaxesTagNS, limits: XmlLimits): Growing => {
  const attributes: XmlAttribute[] = []
  const declarations: NamespaceDeclaration[] = []
  for (const key in tag.attributes) {
    const attribute = tag.attributes[key]
    if (attribute === undefined) continue
    const { name, prefix, local, uri, value } = attribute
    if (uri !== xmlnsNamespace) attributes.push({ name, prefix, local, namespace: uri, value })
    else declarations.push(declarationOf(prefix === '' ? '' : local, value))
  }
  if (attributes.length + declarations.length > limits.attributes) refuse('the XML has too many attributes')
  const { name, prefix, local, uri } = tag
  return {
    name,
    prefix,
    local,
    namespace: uri,
    attributes,
    declarations,
    children: [],
    hasComment: false,
  }
}

const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s]*$/

/** Canonical form writes a name again with every element that uses it: a long one would make it huge. */
const longestNamespace = 255

const declarationOf = (prefix: string, namespace: string): NamespaceDeclaration => {
  if (namespace.length > longestNamespace) refuse('the XML has a namespace name that is too long')
  const isNone = prefix === '' && namespace === ''
  if (!isNone && !absolute.test(namespace)) refuse('the XML has a namespace name that is not an absolute URI')
  return { prefix, namespace }
}
