import { DOMParser } from '@xmldom/xmldom'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExclusiveCanonicalization } from 'xml-crypto'
import { parseXml, type XmlElement, type XmlLimits } from './document.ts'
import { canonicalText } from './exclusive-c14n.ts'

const limits: XmlLimits = { characters: 100_000, depth: 20, elements: 1_000, attributes: 20 }
const parse = (text: string) => parseXml(text, limits)
const firstElementIn = ({ children }: XmlElement): XmlElement => {
  const found = children.find((child) => typeof child !== 'string')
  if (found === undefined || typeof found === 'string') throw new Error('there is no element')
  return found
}

describe('exclusive canonicalization', () => {
  it.each([
    ['writes empty elements in full', '<r/>', '<r></r>'],
    ['quotes with double quotes', "<r a='1'/>", '<r a="1"></r>'],
    ['leaves comments out', '<r><!-- a --><b/></r>', '<r><b></b></r>'],
    ['has sections as text', '<r><![CDATA[<&>]]></r>', '<r>&lt;&amp;&gt;</r>'],
    [
      'writes what a value may hold by reference',
      '<r a="&#9;&#10;&#13;&lt;&quot;&amp;&gt;"/>',
      '<r a="&#x9;&#xA;&#xD;&lt;&quot;&amp;>"></r>',
    ],
    ['writes a carriage return by reference', '<r>&#13;"</r>', '<r>&#xD;"</r>'],
    ['keeps white space inside', '<r> <a /> </r>\n', '<r> <a></a> </r>'],
    [
      'sorts attributes by namespace, then name',
      '<r xmlns:b="urn:a" xmlns:a="urn:b" a:z="1" b:y="2" b:x="3" c="4" B="5"/>',
      '<r xmlns:a="urn:b" xmlns:b="urn:a" B="5" c="4" b:x="3" b:y="2" a:z="1"></r>',
    ],
    [
      'declares what is used and nothing else',
      '<r xmlns:a="urn:a" xmlns:b="urn:b"><a:c/></r>',
      '<r><a:c xmlns:a="urn:a"></a:c></r>',
    ],
    [
      'does not declare again',
      '<a:r xmlns:a="urn:a"><a:c xmlns:a="urn:a"/></a:r>',
      '<a:r xmlns:a="urn:a"><a:c></a:c></a:r>',
    ],
    [
      'declares again what has changed',
      '<a:r xmlns:a="urn:a"><a:c xmlns:a="urn:b"><a:d/></a:c></a:r>',
      '<a:r xmlns:a="urn:a"><a:c xmlns:a="urn:b"><a:d></a:d></a:c></a:r>',
    ],
    [
      'declares again for each branch',
      '<r xmlns:a="urn:a"><a:c/><a:c/></r>',
      '<r><a:c xmlns:a="urn:a"></a:c><a:c xmlns:a="urn:a"></a:c></r>',
    ],
    ['undeclares the default', '<r xmlns="urn:a"><c xmlns=""/></r>', '<r xmlns="urn:a"><c xmlns=""></c></r>'],
    [
      'has no need to undeclare what was not declared',
      '<a:r xmlns="urn:d" xmlns:a="urn:a"><c xmlns=""/></a:r>',
      '<a:r xmlns:a="urn:a"><c></c></a:r>',
    ],
    ['never declares xml', '<r xml:lang="en"/>', '<r xml:lang="en"></r>'],
    ['keeps an attribute whose name begins like a declaration', '<r xmlnsx="1"/>', '<r xmlnsx="1"></r>'],
    [
      'sorts prefixes by code point',
      '<r xmlns:b="urn:b" xmlns:B="urn:c" b:x="" B:x=""/>',
      '<r xmlns:B="urn:c" xmlns:b="urn:b" b:x="" B:x=""></r>',
    ],
    ['sorts names beyond U+FFFF after all others', '<r \u{10400}="1" \uF900="2"/>', '<r \uF900="2" \u{10400}="1"></r>'],
  ])('%s', (_, text, canonical) => {
    expect(canonicalText(parse(text))).toBe(canonical)
  })

  it('keeps inclusive prefixes that are in scope, used or not, where they first are', () => {
    const root = parse('<r xmlns="urn:d" xmlns:a="urn:a" xmlns:b="urn:b"><c><d xmlns:a="urn:x"/></c></r>')
    const inclusivePrefixes = ['a', '#default', 'nobody']
    expect(canonicalText(root, { inclusivePrefixes })).toBe(
      '<r xmlns="urn:d" xmlns:a="urn:a"><c><d xmlns:a="urn:x"></d></c></r>',
    )
    expect(canonicalText(firstElementIn(root), { inclusivePrefixes, ancestors: [root] })).toBe(
      '<c xmlns="urn:d" xmlns:a="urn:a"><d xmlns:a="urn:x"></d></c>',
    )
  })

  it('takes the scope from where the document was cut out', () => {
    const inherited = [{ prefix: 'a', namespace: 'urn:a' }]
    const root = parseXml('<r/>', limits, inherited)
    expect(canonicalText(root, { inclusivePrefixes: ['a'], inherited })).toBe('<r xmlns:a="urn:a"></r>')
    expect(canonicalText(root, { inherited })).toBe('<r></r>')
  })

  it('leaves out one child and all it holds', () => {
    const root = parse('<r>a<c><d/></c>b</r>')
    expect(canonicalText(root, { without: firstElementIn(root) })).toBe('<r>ab</r>')
  })
})

/** Documents with namespaces declared, shadowed and used in all kinds of places. */
const prefixes = ['a', 'b', 'c'] as const
const uri = fc.constantFrom('urn:1', 'urn:2', 'urn:3')
const textPiece = fc.constantFrom('x', '&amp;', '&lt;', '&#13;', '\n', ' ', 'é', '<![CDATA[&]]>', '&#x1F600;')
const text = fc.array(textPiece, { maxLength: 4 }).map((pieces) => pieces.join(''))
const value = fc
  .array(fc.constantFrom('x', '&quot;', '&#9;', "'", '>', 'é'), { maxLength: 3 })
  .map((all) => all.join(''))

const startTag = fc
  .record({
    prefix: fc.constantFrom('', ...prefixes),
    declared: fc.uniqueArray(fc.tuple(fc.constantFrom('', ...prefixes), uri), {
      selector: ([prefix]) => prefix,
      maxLength: 4,
    }),
    attributes: fc.uniqueArray(fc.tuple(fc.constantFrom('p', 'q', 'a:p', 'b:q'), value), {
      selector: ([name]) => name,
      maxLength: 4,
    }),
  })
  .map(({ prefix, declared, attributes }) => ({
    name: prefix === '' ? 'e' : `${prefix}:e`,
    inside: [
      ...declared.map(([name, namespace]) => (name === '' ? `xmlns="${namespace}"` : `xmlns:${name}="${namespace}"`)),
      ...attributes.map(([name, content]) => `${name}="${content}"`),
    ].join(' '),
  }))

const { tree } = fc.letrec<{ tree: string; node: string }>((tie) => ({
  node: fc.oneof({ depthSize: 'small' }, text, tie('tree')),
  tree: fc
    .record({ start: startTag, children: fc.array(tie('node'), { maxLength: 4 }) })
    .map(({ start: { name, inside }, children }) => `<${name} ${inside}>${children.join('')}</${name}>`),
}))

const documents = tree.map((inner) => `<r ${prefixes.map((name) => `xmlns:${name}="urn:0"`).join(' ')}>${inner}</r>`)

describe('over any document', () => {
  it('agrees with xml-crypto', () => {
    fc.assert(
      fc.property(documents, (xml) => {
        const document = new DOMParser().parseFromString(xml, 'text/xml')
        const theirs = new ExclusiveCanonicalization().process(document.documentElement, {})
        expect(canonicalText(parse(xml))).toBe(theirs)
      }),
      { numRuns: 500 },
    )
  })

  it('is its own canonical form, and means the same', () => {
    fc.assert(
      fc.property(documents, (xml) => {
        const once = canonicalText(parse(xml))
        expect(canonicalText(parse(once))).toBe(once)
      }),
      { numRuns: 300 },
    )
  })
})
