import fc from 'fast-check'
import { type RandomText, randomText, writtenText } from './random-text.ts'
import type { Path } from './xml-security.ts'

/** Documents that are well-formed and valid as far as namespaces go, and otherwise as odd as they can be. */

const prefixes = ['', 'a', 'b', 'ns0', 'xs', 'A', 'é', '_', 'a-b.c', '𐀀', 'ﬀ'] as const
/** None with an ampersand: libxml2 leaves it as it is in the canonical form, which then is not even XML. */
const namespaces = [
  'urn:a',
  'urn:b',
  'http://www.w3.org/2001/XMLSchema',
  "http://example.com/?a=1;b='",
  'urn:%C3%A9',
  'urn:a#',
  'URN:A',
] as const
const locals = ['x', 'X', 'y', 'long-name.1', 'é', '_', '𐀀', 'ﬀ', 'lang'] as const

const blank = fc.constantFrom('', '\n', ' ', '\r\n\t', '&#13;')
const cdata = fc
  .array(fc.constantFrom('<', '&', '&amp;', '>', '\r\n', '\r', '] ]', 'é', '"', '<x>'), { maxLength: 4 })
  .map((parts) => `<![CDATA[${parts.join('')}]]>`)
const comment = fc.constantFrom('<!---->', '<!-- a -->', '<!--\r\n<x a="1">&amp;-->')
/** In start tags. */
const gap = fc.constantFrom(' ', '\n', '\t ', '\r\n  ')

interface AttributeDraft {
  /** Which of the prefixes that are in scope. */
  readonly prefix: number
  readonly local: string
  readonly value: string
  readonly quote: string
  readonly gap: string
}

interface ElementDraft {
  readonly declared: readonly (readonly [prefix: string, namespace: string])[]
  readonly prefix: number
  readonly local: string
  readonly attributes: readonly AttributeDraft[]
  readonly children: readonly (ElementDraft | string)[]
  readonly isShort: boolean
}

const attribute: fc.Arbitrary<AttributeDraft> = fc.record({
  prefix: fc.nat(),
  local: fc.constantFrom(...locals),
  value: writtenText,
  quote: fc.constantFrom('"', "'"),
  gap,
})

const declaration = fc.tuple(fc.constantFrom(...prefixes), fc.constantFrom(...namespaces, ''))

const { element } = fc.letrec<{ element: ElementDraft; children: (ElementDraft | string)[] }>((tie) => ({
  element: fc.record({
    declared: fc.array(declaration, { maxLength: 3 }),
    prefix: fc.nat(),
    local: fc.constantFrom(...locals),
    attributes: fc.array(attribute, { maxLength: 4 }),
    children: tie('children'),
    isShort: fc.boolean(),
  }),
  // A comment beside text would be refused.
  children: fc.oneof(
    fc.array(fc.oneof({ maxDepth: 3 }, writtenText, cdata, tie('element')), { maxLength: 4 }),
    fc.array(fc.oneof({ maxDepth: 3 }, blank, comment, tie('element')), { maxLength: 4 }),
  ),
}))

type Scope = ReadonlyMap<string, string>

const declarationsOf = ({ declared }: ElementDraft): Scope =>
  new Map(declared.filter(([prefix, namespace]) => prefix === '' || namespace !== ''))

const nameOf = (prefix: string, local: string): string => (prefix === '' ? local : `${prefix}:${local}`)

const picked = (list: readonly string[], place: number): string => list[place % list.length] ?? ''

const quoted = ({ value, quote, gap: before }: AttributeDraft, name: string): string =>
  `${before}${name}=${quote}${value.replaceAll(quote, quote === '"' ? '&#34;' : '&#39;')}${quote}`

/** No two of one name, and no two of one local name in one namespace. */
const attributesText = ({ attributes }: ElementDraft, scope: Scope): string => {
  const seen = new Set<string>()
  // No attribute is in the default namespace.
  const named = new Map([...scope, ['', ''], ['xml', 'xml']])
  return attributes
    .map((draft) => {
      const prefix = picked([...named.keys()], draft.prefix)
      const expanded = `{${named.get(prefix)}}${draft.local}`
      if (seen.has(expanded)) return ''
      seen.add(expanded)
      return quoted(draft, nameOf(prefix, draft.local))
    })
    .join('')
}

const textOf = (draft: ElementDraft, around: Scope): string => {
  const declared = declarationsOf(draft)
  const scope = new Map([...around, ...declared])
  const prefix = picked(['', ...scope.keys()], draft.prefix)
  const name = nameOf(prefix, draft.local)
  const declarations = [...declared].map(([one, namespace]) => ` xmlns${one === '' ? '' : ':'}${one}="${namespace}"`)
  const start = `<${name}${declarations.join('')}${attributesText(draft, scope)}`
  const content = draft.children.map((child) => (typeof child === 'string' ? child : textOf(child, scope))).join('')
  return content === '' && draft.isShort ? `${start}/>` : `${start}>${content}</${name}>`
}

/** A document, an element in it, and prefixes that are handled inclusively. */
export interface RandomDocument {
  readonly xml: string
  readonly path: Path
  readonly prefixes: readonly string[]
}

const pathIn = (root: ElementDraft, places: readonly number[]): Path => {
  const path: number[] = []
  let at = root
  for (const place of places) {
    const elements = at.children.filter((child) => typeof child !== 'string')
    const next = elements[place % elements.length]
    if (next === undefined) break
    path.push(place % elements.length)
    at = next
  }
  return path
}

const document: fc.Arbitrary<RandomDocument> = fc
  .tuple(
    element,
    fc.array(fc.nat(), { maxLength: 3 }),
    fc.oneof(fc.constant([]), fc.uniqueArray(fc.constantFrom('#default', ...prefixes.slice(1)), { maxLength: 4 })),
  )
  .map(([root, places, inclusive]) => ({
    xml: textOf(root, new Map()),
    path: pathIn(root, places),
    prefixes: inclusive,
  }))

/** What other implementations are to sign: two texts, and an element of somebody else. */
export interface RandomContent {
  readonly texts: readonly [RandomText, RandomText]
  readonly extra: string
  /** An assertion's own prefix and its signature's, namespaces that are declared, and prefixes handled inclusively. */
  readonly prefixes: readonly [string, string]
  readonly declared: Readonly<Record<string, string>>
  readonly inclusive: readonly string[]
}

const content: fc.Arbitrary<RandomContent> = fc
  .record({
    texts: fc.tuple(randomText, randomText),
    extra: element.map((root) => textOf(root, new Map())),
    prefixes: fc.tuple(fc.constantFrom('', 'saml', 'é', 'a'), fc.constantFrom('', 'ds', 'b', '_')),
    declared: fc.dictionary(fc.constantFrom('', 'a', 'b', 'xs', 'A'), fc.constantFrom(...namespaces), { maxKeys: 3 }),
    inclusive: fc.uniqueArray(fc.constantFrom('#default', 'a', 'b', 'saml', 'ds', 'xs', 'nowhere'), { maxLength: 4 }),
  })
  .map(({ declared, ...rest }) => {
    const [own] = rest.prefixes
    return { ...rest, declared: Object.fromEntries(Object.entries(declared).filter(([prefix]) => prefix !== own)) }
  })

/** Always the same ones for a seed. */
export const randomDocuments = (count: number, seed: number): readonly RandomDocument[] =>
  fc.sample(document, { numRuns: count, seed })

export const randomContents = (count: number, seed: number): readonly RandomContent[] =>
  fc.sample(content, { numRuns: count, seed })
