import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FormatError } from './format-error.ts'
import { asObject, parseJson } from './json.ts'

describe('parseJson', () => {
  it('reads whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value)
        expect(parseJson(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  it('reads it however it is spaced and escaped', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify(value, null, '\t ')
        expect(parseJson(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  it('refuses any object in which a member is written twice', () => {
    const name = fc.string({ maxLength: 8 })
    fc.assert(
      fc.property(name, fc.jsonValue(), fc.jsonValue(), fc.array(name), (twice, first, second, others) => {
        const between = others
          .filter((other) => other !== twice)
          .map((other, n) => `${JSON.stringify(`${other}${n}`)}:0,`)
        const text = `{${JSON.stringify(twice)}:${JSON.stringify(first)},${between.filter((m) => !m.startsWith(`${JSON.stringify(twice)}:`)).join('')}${JSON.stringify(twice)}:${JSON.stringify(second)}}`
        expect(() => parseJson(`[${text}]`)).toThrow(FormatError)
      }),
    )
  })

  it.each([
    ['the same name in another spelling', '{"sub":"a","\\u0073ub":"b"}'],
    ['a repetition deep inside', '{"act":{"sub":"a","sub":"b"}}'],
    ['a repetition after nested objects', '{"a":{"b":1},"c":[{"b":2}],"a":0}'],
    ['a repetition of the empty name', '{"":1,"":2}'],
    ['a byte order mark', '\uFEFF{}'],
    ['a comment', '{/**/}'],
    ['a trailing comma', '{"a":1,}'],
    ['NaN', '{"a":NaN}'],
    ['two documents', '{}{}'],
    ['nothing', ''],
    ['depth 33', `${'['.repeat(33)}${']'.repeat(33)}`],
    ['depth 100,000', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['2,001 elements', `[${'0,'.repeat(2_000)}0]`],
    ['300,000 characters', `"${'a'.repeat(300_000)}"`],
  ])('refuses %s', (_, text) => {
    expect(() => parseJson(text)).toThrow(FormatError)
  })

  it.each([
    ['equal names in different objects', '{"a":{"x":1},"b":{"x":2},"x":3}'],
    ['a value that looks like a name', '{"a":"\\"a\\":","b":["a","a"]}'],
    ['a string of brackets and commas', '{"a":"{[,,,]}"}'],
    ['an escaped backslash before a quote', '{"a\\\\":1,"a":2}'],
    ['depth 32', `${'['.repeat(32)}${']'.repeat(32)}`],
  ])('reads %s', (_, text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text))
  })

  it('keeps __proto__ an ordinary member', () => {
    const object = asObject(parseJson('{"__proto__":{"admin":true}}'))
    expect(Object.hasOwn(object ?? {}, '__proto__')).toBe(true)
    expect((object as Record<string, unknown>)['admin']).toBeUndefined()
  })

  it('says nothing of the text in its errors', () => {
    const error = (() => {
      try {
        return parseJson('{"a":"hunter2",')
      } catch (thrown) {
        return thrown
      }
    })()
    expect(inspect(error, { depth: 9 })).toContain('the text is not JSON')
    expect(inspect(error, { depth: 9 })).not.toContain('hunter2')
  })
})
