import { describe, expect, it } from 'vitest'
import { FormatError } from '../format-error.ts'
import { parseXml, type XmlLimits } from './document.ts'

const limits: XmlLimits = { characters: 2_000, depth: 4, elements: 20, attributes: 6 }
const parse = (text: string) => parseXml(text, limits)

/** The message, so that a refusal for another reason does not pass for this one. */
const refusalOf = (text: string): string => {
  try {
    parse(text)
  } catch (thrown) {
    if (thrown instanceof FormatError) return thrown.message
    throw thrown
  }
  return 'accepted'
}

describe('a document', () => {
  it('is a tree with its names resolved', () => {
    const root = parse('<a:r xmlns:a="urn:a" xmlns="urn:b" x="1" a:y="2"><c/>t<a:d/></a:r>')
    expect(root).toMatchObject({ name: 'a:r', prefix: 'a', local: 'r', namespace: 'urn:a' })
    expect(root.declarations).toEqual([
      { prefix: 'a', namespace: 'urn:a' },
      { prefix: '', namespace: 'urn:b' },
    ])
    expect(root.attributes).toEqual([
      { name: 'x', prefix: '', local: 'x', namespace: '', value: '1' },
      { name: 'a:y', prefix: 'a', local: 'y', namespace: 'urn:a', value: '2' },
    ])
    expect(root.children).toEqual([
      expect.objectContaining({ local: 'c', namespace: 'urn:b' }),
      't',
      expect.objectContaining({ local: 'd', namespace: 'urn:a' }),
    ])
  })

  it('has its references, sections and line ends in the text that they mean, in one piece', () => {
    expect(parse('<r>a&amp;&#x42;<![CDATA[<c>]]>d\r\ne\rf</r>').children).toEqual(['a&B<c>d\ne\nf'])
  })

  it('has attribute values normalized (XML 1.0 section 3.3.3)', () => {
    expect(parse('<r a="1\t2\n3&#9;4"/>').attributes[0]?.value).toBe('1 2 3\t4')
  })

  it('may begin with a declaration, and have comments between elements', () => {
    expect(parse('<?xml version="1.0" encoding="utf-8"?><!-- a --><r> <!-- b --> <c/></r><!-- c -->').local).toBe('r')
  })

  it('may stand in the scope of namespaces that others have declared', () => {
    const root = parseXml('<s:r/>', limits, [{ prefix: 's', namespace: 'urn:s' }])
    expect(root.namespace).toBe('urn:s')
    expect(root.declarations).toEqual([])
  })
})

describe('what is refused', () => {
  it.each([
    ['a DOCTYPE', '<!DOCTYPE r><r/>', 'the XML has a DOCTYPE'],
    ['entities', '<!DOCTYPE r [<!ENTITY e "x">]><r>&e;</r>', 'the XML has a DOCTYPE'],
    ['an entity of nobody', '<r>&nbsp;</r>', 'the XML is not well-formed'],
    ['a processing instruction', '<r><?php x?></r>', 'the XML has a processing instruction'],
    ['a stylesheet before the root', '<?xml-stylesheet href="x"?><r/>', 'the XML has a processing instruction'],
    ['another version', '<?xml version="1.1"?><r/>', 'the XML is not of version 1.0'],
    ['another encoding', '<?xml version="1.0" encoding="utf-16"?><r/>', 'the XML declares another encoding than UTF-8'],
    ['a comment beside text', '<r>admin<!-- -->.evil</r>', 'the XML has a comment beside text'],
    ['a comment before text', '<r><!-- -->admin</r>', 'the XML has a comment beside text'],
    ['a comment beside a section', '<r><!-- --><![CDATA[a]]></r>', 'the XML has a comment beside text'],
    ['a relative namespace', '<r xmlns="relative"/>', 'the XML has a namespace name that is not an absolute URI'],
    [
      'a namespace with white space',
      '<r xmlns:a=" urn:a"/>',
      'the XML has a namespace name that is not an absolute URI',
    ],
    ['a prefix that is undeclared again', '<a:r xmlns:a="urn:a"><b xmlns:a=""/></a:r>', 'the XML is not well-formed'],
    ['a prefix that nobody declared', '<a:r/>', 'the XML is not well-formed'],
    ['another prefix xml', '<r xmlns:xml="urn:a"/>', 'the XML is not well-formed'],
    ['an attribute twice', '<r a="1" a="2"/>', 'the XML is not well-formed'],
    [
      'an attribute twice by namespace',
      '<r xmlns:a="urn:a" xmlns:b="urn:a" a:x="" b:x=""/>',
      'the XML is not well-formed',
    ],
    ['two roots', '<r/><r/>', 'the XML is not well-formed'],
    ['text after the root', '<r/>x', 'the XML is not well-formed'],
    ['an end without a start', '<r></s>', 'the XML is not well-formed'],
    ['no end', '<r><s></s>', 'the XML is not well-formed'],
    ['nothing', '', 'the XML is not well-formed'],
    ['NUL', '<r>\u0000</r>', 'the XML is not well-formed'],
    ['a reference to NUL', '<r>&#0;</r>', 'the XML is not well-formed'],
    ['a reference to half a character', '<r>&#xD800;</r>', 'the XML is not well-formed'],
    ['a less-than sign in a value', '<r a="<"/>', 'the XML is not well-formed'],
    ['an open section', '<r><![CDATA[x</r>', 'the XML is not well-formed'],
    ['the end of a section in text', '<r>]]></r>', 'the XML is not well-formed'],
    ['two hyphens in a comment', '<r><!-- -- --></r>', 'the XML is not well-formed'],
    [
      'a declaration that is not at the beginning',
      ' <?xml version="1.0"?><r/>',
      'the XML has a processing instruction',
    ],
    ['a name of two colons', '<a:b:c xmlns:a="urn:a"/>', 'the XML is not well-formed'],
    ['length', `<r>${'x'.repeat(2_000)}</r>`, 'the XML is too long'],
    ['depth', '<a><a><a><a><a/></a></a></a></a>', 'the XML is nested too deeply'],
    ['many elements', `<r>${'<a/>'.repeat(20)}</r>`, 'the XML has too many elements'],
    ['many attributes', '<r a="" b="" c="" d="" e="" f="" g=""/>', 'the XML has too many attributes'],
    [
      'many declarations',
      `<r ${[1, 2, 3, 4, 5, 6, 7].map((n) => `xmlns:a${n}="urn:a"`).join(' ')}/>`,
      'the XML has too many attributes',
    ],
  ])('%s', (_, text, message) => {
    expect(refusalOf(text)).toBe(message)
  })

  it('never quotes what it read', () => {
    expect(refusalOf('<r>&secret-value;</r>')).not.toContain('secret')
  })
})
