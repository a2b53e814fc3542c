import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../domain/claims.ts'
import { FormatError } from '../formats/format-error.ts'
import { compileMatcher, type MatcherSpec, valuesOf } from './matcher.ts'

const cases: readonly (readonly [MatcherSpec, Json | undefined, boolean])[] = [
  ['push', 'push', true],
  ['push', 'Push', false],
  ['push', ['push'], false],
  ['1', 1, false],
  [1, 1, true],
  [1, '1', false],
  [true, true, true],
  [true, 'true', false],
  [true, 1, false],
  [0, false, false],
  ['', '', true],
  ['', undefined, false],
  ['undefined', undefined, false],
  [['a', 'b'], 'b', true],
  [['a', 'b'], 'c', false],
  [['a', 'b'], ['a', 'b'], false],
  [['a', 1], 1, true],
  [{ equals: 'a' }, 'a', true],
  [{ in: ['a', 'b'] }, 'b', true],
  [{ glob: 'refs/heads/*' }, 'refs/heads/main', true],
  [{ glob: 'refs/heads/*' }, ['refs/heads/main'], false],
  [{ glob: '**' }, 5, false],
  [{ glob: '**' }, undefined, false],
  [{ regex: 'a|b' }, 'b', true],
  [{ regex: 'a|b' }, 'bb', false],
  [{ regex: '1' }, 1, false],
  [{ contains: 'x' }, ['y', 'x'], true],
  [{ contains: 'x' }, ['y', ['x']], false],
  [{ contains: 'x' }, 'x', false],
  [{ contains: 'x' }, 'xyz', false],
  [{ contains: 1 }, ['1'], false],
  [{ contains: 'x' }, { 0: 'x', length: 1 }, false],
  [{ exists: true }, '', true],
  [{ exists: true }, false, true],
  [{ exists: true }, undefined, false],
  [{ exists: false }, undefined, true],
  [{ exists: false }, 0, false],
  [{ glob: 'a*', regex: '.*z' }, 'abcz', true],
  [{ glob: 'a*', regex: '.*z' }, 'abc', false],
  [{ glob: 'a*', exists: true }, 'b', false],
]

describe('compileMatcher', () => {
  it.each(cases)('%j on %j: %s', (spec, value, expected) => {
    expect(compileMatcher(spec)(value)).toBe(expected)
  })

  it('lets an absent claim match nothing but exists: false', () => {
    for (const [spec] of cases)
      expect(compileMatcher(spec)(undefined)).toBe(typeof spec === 'object' && 'exists' in spec && !spec.exists)
  })

  it('refuses a malformed pattern', () => {
    expect(() => compileMatcher({ regex: '(' })).toThrow(FormatError)
  })
})

describe('valuesOf', () => {
  const scalar = fc.oneof(fc.constantFrom('a', 'b', '1'), fc.constantFrom(0, 1, 2), fc.boolean())
  const spec: fc.Arbitrary<MatcherSpec> = fc.oneof(
    scalar,
    fc.array(scalar, { minLength: 1, maxLength: 3 }),
    fc.record({ equals: scalar }),
    fc.record({ in: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
    fc.record({ equals: scalar, in: fc.array(scalar, { minLength: 1 }), glob: fc.constant('*') }),
    fc.record({ glob: fc.constant('*') }),
  )

  it('names every value that can match, so that nothing is missed by looking it up', () => {
    fc.assert(
      fc.property(spec, fc.oneof(scalar, fc.jsonValue()) as fc.Arbitrary<Json>, (matcher, value) => {
        const values = valuesOf(matcher)
        if (values === undefined || !compileMatcher(matcher)(value)) return
        expect(new Set<Json>(values).has(value)).toBe(true)
      }),
    )
  })
})
