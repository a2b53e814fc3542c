import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Claims } from '../domain/claims.ts'
import { Refusal } from '../domain/refusal.ts'
import { absent, compileExpression, type Facts, type ResultType, type Scope } from './expression.ts'

const claims: Claims = {
  n: 18,
  half: 1.5,
  s: 'refs/heads/main',
  yes: true,
  roles: ['admin', 'user'],
  mixed: ['a', 1, null],
  empty: [],
  nothing: null,
  nested: { k: 'v', deep: { er: 1 } },
  'https://acme.example/dept': 'it',
  exp: 1_800_000_000,
  scp: 'a b c',
}

const factsWith = (own: Claims): Facts => ({
  claims: own,
  header: { alg: 'RS256', kid: 'k1' },
  client: { id: 'ci', method: 'private_key_jwt' },
  request: { targets: ['https://orders.example'], scope: ['read'] },
  gateway: {},
  identity: { subject: 'user:ada', groups: ['g'] },
  actor: {},
  now: 1_700_000_000n,
})

const compile = (text: string, wanted: ResultType = 'bool', scope: Scope = 'credential') => {
  const compiled = compileExpression(text, scope, wanted)
  if ('problem' in compiled) throw new Error(`${text}: ${JSON.stringify(compiled.problem)}`)
  return compiled.expression
}

const problemOf = (text: string, wanted: ResultType = 'bool', scope: Scope = 'credential') => {
  const compiled = compileExpression(text, scope, wanted)
  return 'problem' in compiled ? compiled.problem : undefined
}

const reasonOf = (run: () => unknown): string => {
  try {
    return `value ${String(run())}`
  } catch (thrown) {
    return thrown instanceof Refusal ? thrown.reason : `threw ${String(thrown)}`
  }
}

describe('what expressions compute', () => {
  it.each([
    ['claims.n == 18', true],
    ['claims.n == 18.0', true],
    ['claims.n != 18', false],
    ['claims.n >= 18 && claims.n < 19', true],
    ['claims.n in [17, 18]', true],
    ['claims.n + 1 == 19', true],
    ['1 + claims.n == 19', true],
    ['claims.exp - now > 3600', true],
    ['now + 60 < claims.exp', true],
    ['timestamp(now) < timestamp(claims.exp)', true],
    ['timestamp(claims.exp) - timestamp(now) > duration("1h")', true],
    ['timestamp(now).getFullYear() == 2023', true],
    ['claims.n == "18"', false],
    ["claims.s.startsWith('refs/heads/')", true],
    ["claims['https://acme.example/dept'] == 'it'", true],
    ["'admin' in claims.roles", true],
    ["claims.roles.exists(r, r == 'admin')", true],
    ["claims.roles.all(r, ['admin', 'user'].exists(known, r == known))", true],
    ["claims.roles.all(r, r in ['admin', 'user'])", true],
    ["'b' in claims.scp.split(' ')", true],
    ['has(claims.nested.k) && !has(claims.nested.x)', true],
    ["claims.?missing.orValue('none') == 'none'", true],
    ["claims.nested == {'k': 'v', 'deep': {'er': 1}}", true],
    ["{'admin': 'boss'}[claims.roles[0]] == 'boss'", true],
    ['claims.nothing == null', true],
    ["header.alg == 'RS256' && client.id == 'ci' && 'read' in request.scope", true],
    ["claims.s.matchesWhole('refs/heads/[a-z]+')", true],
    ["claims.s.matchesWhole('refs')", false],
    ["claims.s.glob('refs/heads/*')", true],
    ["claims.s.glob('refs/*')", false],
    ["'KELVIN'.asciiLower() == 'kelvin'", true],
    ["'\\u212Aelvin'.asciiLower() == 'kelvin'", false],
    ["'\\u0130'.asciiLower() == '\\u0130'", true],
    ["'aß'.asciiUpper() == 'Aß'", true],
    ["claims.yes == true || claims.missing == 'x'", true],
    ["claims.missing == 'x' || claims.yes == true", true],
  ])('%s is %s', (text, expected) => {
    expect(compile(text).evaluate(factsWith(claims))).toBe(expected)
  })

  it('yields strings, lists and scalars for mapped values', () => {
    const facts = factsWith(claims)
    expect(compile("'user:' + claims.s", 'string').evaluate(facts)).toBe('user:refs/heads/main')
    expect(compile("claims.roles.map(r, 'g:' + r)", 'strings').evaluate(facts)).toEqual(['g:admin', 'g:user'])
    expect(compile("claims.roles.filter(r, r != 'user') + ['x']", 'strings').evaluate(facts)).toEqual(['admin', 'x'])
    expect(compile('[]', 'strings').evaluate(facts)).toEqual([])
    expect(compile("[claims.s, 'x']", 'strings').evaluate(facts)).toEqual(['refs/heads/main', 'x'])
    expect(compile('claims.n', 'json').evaluate(facts)).toBe(18)
  })
})

describe('what is missing and what fails', () => {
  it.each(['claims.missing == 1', "claims.nested.x.y == 'z'", 'claims.empty[0] == 1', 'has(claims.missing.x)'])(
    '%s needs a claim that is missing',
    (text) => {
      expect(compile(text).evaluate(factsWith(claims))).toBe(absent)
    },
  )

  it('names the part of the text that reads what is missing, and no value', () => {
    const facts = factsWith({ key: 'top-secret', map: {} })
    expect(compile("claims.map[claims.key] == 'x'").missing(facts)).toContain('claims.map[claims.key]')
    expect(compile("claims.key == 'x'").missing(facts)).toBeUndefined()
  })

  it.each([
    'claims.s > 1',
    "claims.n.startsWith('1')",
    'claims.n % 2 == 0',
    "claims.mixed.all(m, m.startsWith('a'))",
    "claims.n.glob('1*')",
    "claims.roles.matchesWhole('a')",
    '1 / 0 == 1',
    'bool(claims.s) == true',
    "timestamp(claims.s) == timestamp('2026-01-01T00:00:00Z')",
    '9223372036854775807 + 1 > 0',
    "claims.n.exists(x, x == 'y')",
  ])('%s refuses', (text) => {
    expect(reasonOf(() => compile(text).evaluate(factsWith(claims)))).toBe('map.expression_failed')
  })

  it('never quotes a value in the detail of a refusal', () => {
    const facts = factsWith({ s: 'top-secret-value', roles: ['top-secret-value'] })
    for (const text of ['bool(claims.s) == true', 'double(claims.s) > 1.0', 'claims.s > 1', 'claims.roles > 1'])
      try {
        compile(text).evaluate(facts)
        throw new Error(`${text} did not fail`)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Refusal)
        expect(String(thrown)).not.toContain('top-secret-value')
        expect(thrown).not.toHaveProperty('cause')
      }
  })
})

describe('prototypes', () => {
  const paths = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', 'prototype']

  it('cannot be reached', () => {
    for (const name of paths)
      for (const text of [
        `claims.${name}`,
        `claims['${name}']`,
        `claims.s.${name}`,
        `claims.roles.${name}`,
        `header.${name}`,
      ])
        if (problemOf(`${text} == null`) === undefined)
          expect([text, reasonOf(() => compile(`${text} == null`).evaluate(factsWith(claims)))]).toEqual([
            text,
            'value Symbol(absent)',
          ])
    for (const name of paths) expect(compile(`'${name}' in claims`).evaluate(factsWith(claims))).toBe(false)
  })

  it('cannot be forged by the members of a token', () => {
    const forged = JSON.parse('{"a": {"constructor": "x", "k": 1}, "__proto__": {"admin": true}}')
    expect(compile('has(claims.admin)').evaluate(factsWith(forged))).toBe(false)
    expect(reasonOf(() => compile('claims.a.k == 2').evaluate(factsWith(forged)))).not.toBe('value true')
    const own = JSON.parse('{"constructor": {"name": "Map"}, "k": 1}')
    expect(reasonOf(() => compile('claims.k == 1').evaluate(factsWith(own)))).toBe('map.expression_failed')
  })
})

describe('claims that cannot be read safely', () => {
  it('refuses integers that are another number after parsing', () => {
    const twin = JSON.parse('{"id": 9007199254740993, "k": 1}')
    expect(reasonOf(() => compile('claims.k == 1').evaluate(factsWith(twin)))).toBe('map.expression_failed')
    const nested = JSON.parse('{"a": [{"id": -9007199254740993}]}')
    expect(reasonOf(() => compile('has(claims.a)').evaluate(factsWith(nested)))).toBe('map.expression_failed')
    expect(compile('claims.n == 9007199254740991').evaluate(factsWith({ n: 9007199254740991 }))).toBe(true)
  })

  it('refuses nesting that no issuer needs', () => {
    const deep = JSON.parse(`{"a": ${'{"a":'.repeat(12)}1${'}'.repeat(12)}}`)
    expect(reasonOf(() => compile('has(claims.a)').evaluate(factsWith(deep)))).toBe('map.expression_failed')
  })
})

describe('what is refused at load', () => {
  it.each([
    ['clams.n == 1', 0, 'unknown variable clams', 'did you mean `claims`?'],
    ['claims.n == 1 && nwo > 1', 17, 'unknown variable nwo', 'did you mean `now`?'],
    ["identity.subject == 'x'", 0, 'identity is known in identityValidationRules only', undefined],
    ["claims.s.matches('x')", 0, 'the function matches() is not available', expect.stringContaining('matchesWhole')],
    [
      "claims.s.lowerAscii() == 'x'",
      0,
      'the function lowerAscii() is not available',
      expect.stringContaining('asciiLower'),
    ],
    [
      "claims.s.upperAscii() == 'x'",
      0,
      'the function upperAscii() is not available',
      expect.stringContaining('asciiUpper'),
    ],
    ["claims.s.trim() == 'x'", 0, 'the function trim() is not available', expect.any(String)],
    ["claims.s.startWith('x')", 0, 'the function startWith() is not available', 'did you mean `startsWith`?'],
    ["bytes(claims.s) == b'x'", 0, 'the function bytes() is not available', undefined],
    ['int(claims.s) == 0', 0, 'the function int() is not available', expect.any(String)],
    ['cel.bind(x, claims.s, x == x)', 0, 'the function bind() is not available', undefined],
    ['claims.n == 1u', 12, 'unsigned and bytes literals are not accepted', expect.any(String)],
    ["claims.s == b'é'", 12, 'unsigned and bytes literals are not accepted', expect.any(String)],
    ['claims.n == 99999999999999999999', 12, 'this integer is beyond 64 bits', undefined],
    ['claims.s.matchesWhole(claims.s)', 22, 'the pattern must be a text in quotes', undefined],
    ["claims.s.matchesWhole('(')", 22, expect.stringContaining('RE2'), undefined],
    ["claims.s.matchesWhole('a', 'b')", 0, expect.any(String), undefined],
    ["'a'.size().glob('b')", 0, 'a pattern matches a string', undefined],
    [
      'claims.a.all(x, claims.b.all(y, x == y))',
      16,
      "all() inside another needs a list that is written out, such as ['a', 'b']",
      undefined,
    ],
    ["claims.a.all(x, ['1'].all(y, ['2'].all(z, x == y)))", 29, 'all() is nested too deeply', undefined],
    [
      'claims.a.all(x, x in claims.b)',
      16,
      "`in` inside a comprehension needs a list that is written out, such as ['a', 'b']",
      undefined,
    ],
    ['claims.a.all(claims, claims == 1)', 13, '`claims` is taken', expect.any(String)],
    ['claims.yes', 0, 'yields dyn, but true or false is wanted', expect.stringContaining('== true')],
    ["'a' + 'b'", 0, 'yields string, but true or false is wanted', undefined],
    ['claims.n == ', 12, expect.any(String), undefined],
    ['', 0, expect.any(String), undefined],
    ["'a' == 1 + 'b'", 7, expect.any(String), undefined],
  ])('%s', (text, offset, message, fix) => {
    expect(problemOf(text)).toEqual(fix === undefined ? { offset, message } : { offset, message, fix })
  })

  it('knows identity where there is one', () => {
    const expression = compile("identity.subject.startsWith('user:') && 'g' in identity.groups", 'bool', 'identity')
    expect(expression.evaluate(factsWith(claims))).toBe(true)
  })

  it('holds what a value is wanted for', () => {
    expect(problemOf('claims.a == 1', 'string')?.message).toBe('yields bool, but a string is wanted')
    expect(problemOf("'a'", 'strings')?.message).toBe('yields string, but a list of strings is wanted')
    expect(problemOf('[1, 2]', 'strings')?.message).toBe('yields list<int>, but a list of strings is wanted')
    expect(problemOf("{'a': 1}", 'json')?.message).toContain('yields map')
    expect(problemOf('timestamp(now)', 'json')?.message).toContain('yields google.protobuf.Timestamp')
    expect(problemOf('claims.?a', 'string')?.message).toContain('yields optional')
  })

  it('refuses what is too long, too large or too deep', () => {
    expect(problemOf(`claims.s == '${'a'.repeat(2_048)}'`)?.message).toBe('longer than 2048 characters')
    expect(problemOf(`${'1+'.repeat(300)}1 == 1`)?.message).toContain('maxAstNodes')
    expect(problemOf(`${'('.repeat(40)}true${')'.repeat(40)}`)?.message).toContain('maxDepth')
  })

  it('never throws, whatever the text', () => {
    const tokens =
      "claims . a ( ) [ ] { } 'x' 1 1u == && ! ? : , has all matchesWhole b'\\xff' ''' \\ 0x 1e9 - / // in null .? [? orValue \u0000"
    const word = fc.constantFrom(...tokens.split(' '))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word, { maxLength: 14 }).map((words) => words.join('')),
        ),
        (text) => {
          const compiled = compileExpression(text, 'credential', 'bool')
          if ('expression' in compiled)
            expect(reasonOf(() => compiled.expression.evaluate(factsWith(claims)))).not.toMatch(/^threw/)
        },
      ),
      { numRuns: 3_000 },
    )
  })
})
