import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { parseDocuments, pathText, stepsIn } from './documents.ts'

const only = (text: string) => {
  const { documents, faults } = parseDocuments('a.yaml', text)
  expect(faults).toEqual([])
  const [document] = documents
  if (document === undefined || documents.length > 1) throw new Error('not one document')
  return document
}

const faultsOf = (text: string) =>
  parseDocuments('a.yaml', text).faults.map(({ location, path, message }) => [
    location.line,
    location.column,
    path,
    message,
  ])

describe('parseDocuments', () => {
  it('reads whatever is written as YAML', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        fc.pre(value !== null && !/__proto__|e[+]?\d|\d{16}/.test(JSON.stringify(value)))
        expect(JSON.stringify(only(stringify(value)).value)).toBe(JSON.stringify(value))
      }),
    )
  })

  it('finds where a key and its value stand', () => {
    const document = only('spec:\n  rules:\n    - name: a\n      when: {x: "1", y: [2, 3]}\n')
    const at = (...path: (string | number)[]) => document.locate(path)
    expect(at('spec', 'rules', 0, 'name')).toEqual({ file: 'a.yaml', line: 3, column: 13 })
    expect(document.locate(['spec', 'rules', 0, 'name'], 'key')).toEqual({ file: 'a.yaml', line: 3, column: 7 })
    expect(at('spec', 'rules', 0, 'when', 'y', 1)).toMatchObject({ line: 4, column: 29 })
  })

  it('finds the nearest ancestor of what is not there', () => {
    const document = only('spec:\n  rules:\n    - name: a\n')
    expect(document.locate(['spec', 'rules', 0, 'grant', 'ttl'])).toMatchObject({ line: 3, column: 7 })
    expect(document.locate(['spec', 'source'])).toMatchObject({ line: 1, column: 1 })
    expect(document.locate(['kind'])).toMatchObject({ line: 1, column: 1 })
  })

  it.each([
    ['e: claims.x', 2, [1, 6]],
    ['e: "claims.x"', 2, [1, 7]],
    ["e: 'claims.x'", 2, [1, 7]],
    ['e: |\n  claims.x &&\n    claims.y\n', 16, [3, 7]],
    ['e: "a\\tb"', 2, [1, 4]],
    ['e: >\n  claims.x\n  && y\n', 11, [1, 4]],
  ])('finds a character within a text where its spelling shows it: %j', (text, offset, [line, column]) => {
    expect(only(text).locate(['e'], 'value', offset)).toMatchObject({ line, column })
  })

  it('reads several documents and skips empty ones', () => {
    const { documents, faults } = parseDocuments('a.yaml', '# first\n---\na: 1\n---\n---\nb: 2\n...\n')
    expect(faults).toEqual([])
    expect(documents.map(({ value }) => value)).toEqual([{ a: 1 }, { b: 2 }])
    expect(documents[1]?.locate(['b'])).toMatchObject({ line: 6, column: 4 })
  })

  it.each([
    ['a: 1\nb: 2\na: 3\n', [3, 1, 'a', 'the key `a` stands twice']],
    ['x:\n  - {k: 1, "k": 2}\n', [2, 12, 'x[0].k', 'the key `k` stands twice']],
    ['a: &x 1\nb: *x\n', [2, 4, 'b', 'anchors and aliases are not read']],
    ['a: !!binary aGk=\n', [1, 13, 'a', 'tags are not read']],
    ['a: !secret x\n', [1, 4, '', 'Unresolved tag: !secret']],
    ['%YAML 1.1\n---\na: yes\n', [1, 1, '', 'only YAML 1.2 is read']],
    ['__proto__: {a: 1}\n', [1, 1, '__proto__', '`__proto__` cannot be a key']],
    ['n: 12345678901234567890\n', [1, 4, 'n', 'the number is beyond 2^53: JSON readers disagree on it']],
  ])('refuses %j', (text, expected) => {
    expect(faultsOf(text)).toContainEqual(expected)
  })

  it.each(['a: [1\n', 'a: b: c\n', '? [x]\n: 1\n', 'a:\n\t- b\n', '- a\nb: 1\n', '"\n', '{'])('refuses %j', (text) => {
    expect(parseDocuments('a.yaml', text).faults.length).toBeGreaterThan(0)
  })

  it('refuses what is too large or too deep, without running away', () => {
    const started = performance.now()
    expect(parseDocuments('a.yaml', 'a'.repeat(4_194_305)).faults).toHaveLength(1)
    expect(faultsOf(`a: ${'['.repeat(40)}${']'.repeat(40)}`)[0]?.[3]).toBe('nested deeper than 32 levels')
    expect(parseDocuments('a.yaml', '['.repeat(20_000)).faults.length).toBeGreaterThan(0)
    const keys = Array.from({ length: 30_000 }, (_, index) => `k${index}: 1`).join('\n')
    expect(parseDocuments('a.yaml', keys).faults).toEqual([])
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('reads 1.2, not 1.1: words are words and dates are texts', () => {
    expect(only('a: yes\nb: on\nc: 2027-03-31\nd: 012\ne: <<\n1: x').value).toEqual({
      1: 'x',
      a: 'yes',
      b: 'on',
      c: '2027-03-31',
      d: 12,
      e: '<<',
    })
  })
})

describe('pathText', () => {
  it('writes a path as people write it, and stepsIn reads the simple ones back', () => {
    expect(pathText(['spec', 'rules', 0, 'when', 'claims', '/san/dns'])).toBe('spec.rules[0].when.claims["/san/dns"]')
    expect(stepsIn('a.b[0].c')).toEqual(['a', 'b', 0, 'c'])
    expect(stepsIn('')).toEqual([])
  })
})
