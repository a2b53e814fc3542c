import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FormatError } from './format-error.ts'
import { glob, matcherOf, regex } from './pattern.ts'

/** What a glob means, one rule after the other and as slow as it likes. */
const globMeans = (pattern: string, value: string): boolean => {
  if (pattern === '') return value === ''
  const stars = pattern.match(/^\*+/)?.[0].length ?? 0
  if (stars === 0) return value !== '' && value[0] === pattern[0] && globMeans(pattern.slice(1), value.slice(1))
  for (let length = 0; length <= value.length; length++) {
    if (stars === 1 && /[/:]/.test(value.slice(0, length))) return false
    if (globMeans(pattern.slice(stars), value.slice(length))) return true
  }
  return false
}

const shortText = fc.string({ unit: fc.constantFrom('a', 'b', '/', ':', '*', '.', '\n'), maxLength: 9 })

describe('glob', () => {
  it('means what its definition says', () => {
    fc.assert(
      fc.property(shortText, shortText, (pattern, value) => {
        expect(glob(pattern)(value)).toBe(globMeans(pattern, value))
      }),
      { numRuns: 5_000 },
    )
  })

  it('matches every value that is made from it', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b', '/', ':'), maxLength: 5 })
    const run = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), maxLength: 5 })
    fc.assert(
      fc.property(fc.array(fc.tuple(part, run), { maxLength: 5 }), part, (pairs, end) => {
        const pattern = `${pairs.map(([text]) => `${text}*`).join('')}${end}`
        const value = `${pairs.map(([text, filling]) => text + filling).join('')}${end}`
        expect(glob(pattern)(value)).toBe(true)
      }),
    )
  })

  it.each([
    ['refs/heads/release-*', 'refs/heads/release-1.2', true],
    ['refs/heads/release-*', 'refs/heads/release-1/evil', false],
    ['refs/heads/release-*', 'xrefs/heads/release-1', false],
    ['refs/heads/**', 'refs/heads/a/b', true],
    ['repo:acme/*', 'repo:acme/site', true],
    ['repo:acme/*', 'repo:acme/site:ref:refs/heads/main', false],
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme/site:ref:refs/heads/main', true],
    ['spiffe://prod.example/ns/*/sa/*', 'spiffe://prod.example/ns/a/sa/b', true],
    ['spiffe://prod.example/ns/*/sa/*', 'spiffe://prod.example/ns/a/sa/b/c', false],
    ['https://*.internal.example', 'https://evil.example/x.internal.example', false],
    ['a?c', 'abc', false],
    ['[a-z]', 'b', false],
    ['exact', 'exact', true],
    ['exact', 'exactly', false],
    ['', '', true],
    ['', 'a', false],
    ['***', 'a/b:c', true],
  ])('%s on %s: %s', (pattern, value, expected) => {
    expect(glob(pattern)(value)).toBe(expected)
  })

  it('takes time linear in the value, whatever the pattern', () => {
    const matches = glob(`${'**a*'.repeat(20)}b`)
    const started = performance.now()
    expect(matches('a'.repeat(20_000))).toBe(false)
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  it('refuses a pattern that is too long', () => {
    expect(() => glob('a'.repeat(513))).toThrow(FormatError)
  })
})

describe('regex', () => {
  it('means the whole value, as an anchored regular expression of the platform does', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '|', '(', ')', '*', '?', '/'), maxLength: 8 })
    const value = fc.string({ unit: fc.constantFrom('a', 'b', '/', '\n'), maxLength: 6 })
    fc.assert(
      fc.property(pattern, value, (text, candidate) => {
        const reference = referenceFor(text)
        if (reference === undefined) return
        expect(regex(text)(candidate)).toBe(reference.test(candidate))
      }),
      { numRuns: 3_000 },
    )
  })

  it.each([
    ['a|b', 'b', true],
    ['a|b', 'ab', false],
    ['a|b', 'xb', false],
    ['^main$', 'main', true],
    ['main', 'main\n', false],
    ['(?m)^main$', 'main\nevil', false],
    ['[a-z]+', 'abc', true],
    ['', '', true],
    ['', 'a', false],
  ])('%s on %j: %s', (text, value, expected) => {
    expect(regex(text)(value)).toBe(expected)
  })

  it.each(['(a', 'a**', '\\1', '(?=a)', '(?<=a)', 'a{1001}', '(a{100}){100}', 'a'.repeat(513), '(x?){300}x{300}'])(
    'refuses %s',
    (text) => {
      expect(() => regex(text)).toThrow(FormatError)
    },
  )

  it('does not run away on what makes a backtracking matcher run away', () => {
    const started = performance.now()
    expect(regex('(a+)+b')('a'.repeat(16_000))).toBe(false)
    expect(regex('(a|aa)*c')('a'.repeat(16_000))).toBe(false)
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})

/** The platform's reading of `text`, where it has one and both mean the same by it. */
const referenceFor = (text: string): RegExp | undefined => {
  try {
    regex(text)
    return new RegExp(`^(?:${text})$`, 'u')
  } catch {
    return undefined
  }
}

describe('matcherOf', () => {
  it('lets through what one of its patterns lets through, and nothing when there is none', () => {
    expect(matcherOf([])('')).toBe(false)
    const matches = matcherOf(['orders', 'crm:*'])
    expect(['orders', 'crm:read', 'crm:a:b', 'order', ''].map(matches)).toEqual([true, true, false, false, false])
  })
})
