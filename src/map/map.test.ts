import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Claims, Json } from '../domain/claims.ts'
import { authenticatedAs } from '../domain/client.ts'
import { proven } from '../domain/credential.ts'
import { Refusal } from '../domain/refusal.ts'
import { newTrace, type Trace } from '../domain/trace.ts'
import { loadTrust } from '../trust.ts'
import { map } from './map.ts'
import type { TrustMap } from './trust-map.ts'

const now = Date.parse('2026-12-01T12:00:00Z') / 1000
const client = authenticatedAs({
  id: 'ci',
  method: 'private_key_jwt',
  rights: { sources: ['**'], audiences: ['**'], scopes: ['**'] },
})
const context = { client, request: { targets: ['https://orders.example'], scope: [] }, now, version: 'v1' }

const digest = { sha256: () => 'A'.repeat(43) }

/** A TrustMap document with this `spec`, beside a source. */
const load = async (spec: object): Promise<TrustMap> => {
  const source = { oidc: { issuer: 'https://idp.example', audiences: ['dragoman'] } }
  const document = {
    apiVersion: 'dragoman/v1alpha1',
    kind: 'TrustMap',
    metadata: { name: 'idp' },
    spec: { source, ...spec },
  }
  const files = [{ name: 'idp.yaml', text: JSON.stringify(document, undefined, 1) }]
  const { trust, faults } = await loadTrust(files, { world: 'serve', insecureLoopback: false, digest })
  const [trustMap] = trust?.maps ?? []
  if (trustMap === undefined) throw new Error(JSON.stringify(faults))
  return trustMap
}

const credential = (claims: Claims) =>
  proven({
    kind: 'oidc',
    issuer: 'https://idp.example',
    subject: 'ada',
    audience: ['dragoman'],
    header: { alg: 'RS256' },
    claims: { sub: 'ada', ...claims },
    expiresAt: now + 600,
    authentication: { time: now - 60, amr: ['mfa'] },
  })

const rule = (name: string, more: object = {}) => ({
  name,
  identity: { type: 'user', subject: { claim: 'sub', prefix: 'user:' } },
  grant: { audiences: ['https://orders.example'] },
  ...more,
})

const identity = (more: object) => ({ identity: { type: 'user', subject: { claim: 'sub' }, ...more } })

const run = (trustMap: TrustMap, claims: Claims = {}, trace: Trace = newTrace('r', now)) =>
  map(credential(claims), trustMap, context, trace)

const refusalOf = (attempt: () => unknown): Refusal => {
  try {
    attempt()
  } catch (thrown) {
    if (thrown instanceof Refusal) return thrown
    throw thrown
  }
  throw new Error('not refused')
}

describe('the rules', () => {
  const when = (claims: object) => ({ when: { claims } })

  it('are asked in order, and the first that holds speaks', async () => {
    const trustMap = await load({ rules: [rule('a', when({ x: 1 })), rule('b', when({ y: 2 })), rule('c')] })
    expect(run(trustMap, { x: 1, y: 2 }).identity.origin.rule).toBe('a')
    expect(run(trustMap, { y: 2 }).identity.origin.rule).toBe('b')
    expect(run(trustMap, { x: '1', y: [2] }).identity.origin.rule).toBe('c')
  })

  it('say whose identity it is, where it comes from, and what may be granted', async () => {
    const grant = { audiences: ['https://orders.example'], scopes: ['read'], ttl: '10m', release: ['public'] }
    const trace = newTrace('r', now)
    const { identity: made, allowance } = run(await load({ rules: [rule('a', { grant })] }), {}, trace)
    expect(allowance).toEqual({ ...grant, ttl: 600, profiles: ['access-token'], senderConstraint: 'none' })
    expect(made).toMatchObject({
      type: 'user',
      subject: { value: 'user:ada', sensitivity: 'internal' },
      origin: { issuer: 'https://idp.example', subject: 'ada', map: 'idp', rule: 'a', version: 'v1' },
      authentication: { time: now - 60, amr: ['mfa'] },
    })
    expect(trace).toMatchObject({ map: 'idp', rule: 'a', version: 'v1', subject: { value: 'user:ada' } })
    expect(trace.checks).toEqual([])
  })

  it('have sober defaults', async () => {
    const { allowance } = run(await load({ rules: [rule('a')] }))
    expect(allowance).toMatchObject({ scopes: [], ttl: 300, release: ['public', 'internal'] })
  })

  it('deny when none holds, and name the nearest miss', async () => {
    const trustMap = await load({
      rules: [
        rule('far', when({ tid: 't1', role: { equals: 'admin' }, env: 'prod' })),
        rule('near', when({ tid: 't2', env: { in: ['prod', 'stage'] }, role: { glob: 'adm*' } })),
      ],
    })
    const trace = newTrace('r', now)
    const refusal = refusalOf(() => run(trustMap, { tid: 't2', env: 'prod', role: 'top-secret' }, trace))
    expect(refusal.reason).toBe('rule.none_matched')
    expect(refusal.detail).toMatch(
      /^the rule near came nearest; it wants claims\.role to be \{"glob":"adm\*"\} \(idp\.yaml:\d+\)$/,
    )
    expect(refusal.detail).not.toContain('top-secret')
    expect(trace).toMatchObject({ map: 'idp', version: 'v1' })
    expect(trace.rule).toBeUndefined()
  })

  it('are good through their last day, and deny after it rather than pass on', async () => {
    const trustMap = (expires: string) => load({ rules: [rule('a', { expires }), rule('b')] })
    expect(run(await trustMap('2026-12-01')).identity.origin.rule).toBe('a')
    const refusal = refusalOf(() => run({ ...expired }))
    expect(refusal.reason).toBe('rule.expired')
    expect(refusal.detail).toMatch(/^the rule a \(idp\.yaml:\d+\) has expired$/)
    const lastSecond = Date.parse('2026-12-01T23:59:59Z') / 1000
    const atEnd = (at: number) => map(credential({}), last, { ...context, now: at }, newTrace('r', at))
    expect(atEnd(lastSecond).identity.origin.rule).toBe('a')
    expect(refusalOf(() => atEnd(lastSecond + 1)).reason).toBe('rule.expired')
  })

  it('do not match where an expression needs a claim that is missing', async () => {
    const trustMap = await load({ rules: [rule('a', { when: { expression: "claims.x != 'evil'" } }), rule('b')] })
    expect(run(trustMap, { x: 'good' }).identity.origin.rule).toBe('a')
    expect(run(trustMap, {}).identity.origin.rule).toBe('b')
  })

  it('deny where an expression fails, though a later rule would hold', async () => {
    const trustMap = await load({ rules: [rule('a', { when: { expression: "claims.x.startsWith('a')" } }), rule('b')] })
    const refusal = refusalOf(() => run(trustMap, { x: 5 }))
    expect(refusal.reason).toBe('map.expression_failed')
    expect(refusal.detail).toContain("claims.x.startsWith('a')")
  })

  it('do not evaluate an expression of a rule whose claims rule it out', async () => {
    const guarded = { when: { expression: "claims.x.startsWith('a')", claims: { kind: 'text' } } }
    const trustMap = await load({ rules: [rule('a', guarded), rule('b')] })
    expect(run(trustMap, { x: 5, kind: 'number' }).identity.origin.rule).toBe('b')
  })
})

const expired = await load({ rules: [rule('a', { expires: '2026-11-30' }), rule('b')] })
const last = await load({ rules: [rule('a', { expires: '2026-12-01' })] })

describe('mode', () => {
  const claimValidationRules = [
    { claim: 'ver', requiredValue: '2.0' },
    { expression: "claims.amr.exists(m, m == 'mfa')", message: 'no second factor' },
  ]
  const identityValidationRules = [{ expression: "identity.subject != 'user:root'", message: 'reserved' }]
  const spec = { claimValidationRules, identityValidationRules, rules: [rule('a', { when: { claims: { on: true } } })] }
  const good = { ver: '2.0', amr: ['pwd', 'mfa'], on: true }

  it('disabled refuses everything', async () => {
    const trustMap = await load({ ...spec, mode: 'disabled' })
    expect(refusalOf(() => run(trustMap, good)).reason).toBe('map.disabled')
  })

  it('enforce refuses what validation rules refuse', async () => {
    const trustMap = await load(spec)
    expect(run(trustMap, good).identity.subject.value).toBe('user:ada')
    const version = refusalOf(() => run(trustMap, { ...good, ver: '1.0' }))
    expect([version.reason, version.detail]).toEqual([
      'map.validation_failed',
      expect.stringMatching(/^the claim "ver" does not have the required value \(idp\.yaml:\d+\)$/),
    ])
    const factor = refusalOf(() => run(trustMap, { ...good, amr: ['pwd'] }))
    expect(factor.detail).toMatch(/^no second factor \(/)
    expect(refusalOf(() => run(trustMap, { ver: '2.0', on: true })).reason).toBe('map.validation_failed')
    expect(refusalOf(() => run(trustMap, { ...good, amr: 5 })).reason).toBe('map.expression_failed')
    const reserved = refusalOf(() => run(trustMap, { ...good, sub: 'root' }))
    expect([reserved.reason, reserved.detail]).toEqual(['identity.invalid', expect.stringMatching(/^reserved \(/)])
  })

  it('audit records the first of them and goes on, but no rule still means no', async () => {
    const trustMap = await load({ ...spec, mode: 'audit' })
    const trace = newTrace('r', now)
    expect(run(trustMap, { ver: '1.0', amr: 5, on: true, sub: 'root' }, trace).identity.subject.value).toBe('user:root')
    expect(trace.wouldRefuse).toMatchObject({ reason: 'map.validation_failed' })
    const second = newTrace('r', now)
    run(trustMap, { ...good, amr: 5 }, second)
    expect(second.wouldRefuse).toMatchObject({ reason: 'map.expression_failed' })
    const third = newTrace('r', now)
    run(trustMap, { ...good, sub: 'root' }, third)
    expect(third.wouldRefuse).toMatchObject({ reason: 'identity.invalid' })
    const fourth = newTrace('r', now)
    run(trustMap, good, fourth)
    expect(fourth.wouldRefuse).toBeUndefined()
    expect(refusalOf(() => run(trustMap, { ...good, on: false })).reason).toBe('rule.none_matched')
  })
})

describe('mapped values', () => {
  const mappedValue = async (spec: object, claims: Claims) =>
    run(await load({ rules: [rule('a', identity({ claims: { out: spec } }))] }), claims).identity.attributes.get('out')

  it.each([
    [{ claim: 'a' }, { a: 'x' }, 'x'],
    [{ claim: 'a' }, { a: 5 }, 5],
    [{ claim: 'a' }, { a: 0.5 }, 0.5],
    [{ claim: 'a' }, { a: false }, false],
    [{ claim: 'a' }, { a: ['x', 'y'] }, ['x', 'y']],
    [{ claim: 'a' }, { a: [] }, []],
    [{ claim: '/n/a' }, { n: { a: 'x' } }, 'x'],
    [{ value: 'fixed' }, {}, 'fixed'],
    [{ value: ['a'] }, {}, ['a']],
    [{ value: 7, prefix: 'n' }, {}, 'n7'],
    [{ expression: "claims.a + '!'" }, { a: 'x' }, 'x!'],
    [{ expression: 'claims.a.size()' }, { a: 'xyz' }, 3],
    [{ claim: 'a', prefix: 'p:' }, { a: ['x', 'y'] }, ['p:x', 'p:y']],
    [{ claim: 'a', default: 'd', prefix: 'p:' }, {}, 'd'],
    [{ claim: 'a', default: [] }, {}, []],
    [{ claim: 'a', default: 'd' }, { a: null }, 'd'],
    [{ expression: 'claims.a', default: 'd' }, {}, 'd'],
    [{ claim: 'a', required: false }, {}, undefined],
    [{ claim: 'a', required: false }, { a: null }, undefined],
    [{ expression: "claims.a + 'x'", required: false }, {}, undefined],
  ] as readonly (readonly [object, Claims, Json | undefined])[])('%j of %j is %j', async (spec, claims, expected) => {
    expect((await mappedValue(spec, claims))?.value).toEqual(expected)
  })

  it('carry their label', async () => {
    expect(await mappedValue({ claim: 'a', sensitivity: 'pii' }, { a: 'x' })).toEqual({
      value: 'x',
      sensitivity: 'pii',
    })
    expect(await mappedValue({ claim: 'a', default: 'd', sensitivity: 'phi' }, {})).toEqual({
      value: 'd',
      sensitivity: 'phi',
    })
  })

  it.each([
    [{ claims: { out: { claim: 'a' } } }, {}],
    [{ claims: { out: { claim: 'a' } } }, { a: { k: 1 } }],
    [{ claims: { out: { claim: 'a', required: false } } }, { a: { k: 1 } }],
    [{ claims: { out: { claim: 'a', default: 'd' } } }, { a: ['x', 1] }],
    [{ claims: { out: { claim: 'a' } } }, { a: 2 ** 53 }],
    [{ claims: { out: { expression: 'claims.a' } } }, {}],
    [{ groups: { claim: 'a' } }, { a: 'one' }],
    [{ groups: { claim: 'a', required: false } }, { a: 'one' }],
    [{ roles: { claim: 'a' } }, { a: [1] }],
    [{ entitlements: { claim: 'a' } }, {}],
    [{ tenant: { claim: 'a' } }, { a: ['t'] }],
    [{ tenant: { claim: 'a' } }, { a: true }],
    [{ subject: { claim: 'a' } }, {}],
    [{ subject: { claim: 'a' } }, { a: ['x'] }],
    [{ subject: { claim: 'a' } }, { a: 1.5 }],
    [{ subject: { claim: 'a' } }, { a: true }],
    [{ subject: { claim: 'a' } }, { a: 2 ** 53 }],
    [{ subject: { expression: "claims.a + ''" } }, {}],
  ] as readonly (readonly [object, Claims])[])('%j of %j refuses', async (mapped, claims) => {
    const trustMap = await load({ rules: [rule('a', identity(mapped))] })
    const refusal = refusalOf(() => run(trustMap, claims))
    expect(refusal.reason).toBe('map.value_missing')
    expect(refusal.detail).toMatch(/^the rule a \(idp\.yaml:\d+\): identity\.[a-z.]+ is (absent|not a .*)$/)
  })

  it('make the whole identity', async () => {
    const mapped = identity({
      subject: { expression: "'user:' + claims.tid + ':' + claims.oid" },
      tenant: { claim: 'tid' },
      groups: { claim: 'groups', prefix: 'g:' },
      roles: { claim: 'roles', default: [], sensitivity: 'public' },
      entitlements: { value: ['e'] },
    })
    const made = run(await load({ rules: [rule('a', mapped)] }), { tid: 't', oid: 'o', groups: ['x'] }).identity
    expect(made).toMatchObject({
      subject: { value: 'user:t:o' },
      tenant: { value: 't' },
      groups: { value: ['g:x'] },
      roles: { value: [], sensitivity: 'public' },
      entitlements: { value: ['e'] },
    })
  })

  it('take a number as a subject by its digits', async () => {
    const trustMap = await load({ rules: [rule('a', identity({ subject: { claim: 'id', prefix: 'u' } }))] })
    expect(run(trustMap, { id: 42 }).identity.subject.value).toBe('u42')
  })

  it.each([
    '',
    ' '.repeat(2_049),
    'a\u0000',
    'a\nb',
    'ada\u200b',
    '\u202eada',
    'a\u2028b',
    '\ud800',
    '\ufeffada',
    'a\u0085',
  ])('refuse the subject and the tenant %j', async (value) => {
    const subject = await load({ rules: [rule('a', identity({ subject: { claim: 'a' } }))] })
    const tenant = await load({ rules: [rule('a', identity({ tenant: { claim: 'a' } }))] })
    for (const trustMap of [subject, tenant])
      expect(refusalOf(() => run(trustMap, { a: value })).reason).toBe('identity.invalid')
  })

  it('take a subject as long as the longest SPIFFE ID, in any script, and a tenant of 255 characters', async () => {
    const subject = `ада-${'x'.repeat(2_044)}`
    const trustMap = await load({ rules: [rule('a', identity({ tenant: { claim: 'tid' } }))] })
    const tenant = 't'.repeat(255)
    const { identity: found } = run(trustMap, { sub: subject, tid: tenant })
    expect([found.subject.value, found.tenant?.value]).toEqual([subject, tenant])
    expect(refusalOf(() => run(trustMap, { sub: `${subject}x`, tid: tenant })).reason).toBe('identity.invalid')
    expect(refusalOf(() => run(trustMap, { sub: subject, tid: `${tenant}t` })).reason).toBe('identity.invalid')
  })
})

describe('a detailed trace', () => {
  it('holds every requirement and every condition of each rule that was tried', async () => {
    const trustMap = await load({
      claimValidationRules: [{ claim: 'ver', requiredValue: '2.0' }],
      rules: [
        rule('a', { when: { claims: { ref: 'main', env: 'prod' } } }),
        rule('b', { when: { expression: "claims.missing == 'x'" } }),
        rule('c'),
      ],
    })
    const trace = newTrace('r', now, true)
    run(trustMap, { ver: '2.0', ref: 'dev', env: 'prod' }, trace)
    const shown = trace.checks.map(({ check, ok, wanted, seen }) => [check, ok, wanted, seen?.value])
    expect(shown).toEqual([
      ['claimValidationRules[0]', true, 'ver = "2.0"', '2.0'],
      ['rules[0].when.claims.ref', false, '"main"', 'dev'],
      ['rules[1].when.expression', false, "claims.missing == 'x'", 'claims.missing is missing'],
      ['rules[2]', true, 'any credential', undefined],
    ])
    for (const { location, stage } of trace.checks) {
      expect(stage).toBe('map')
      expect(location).toMatchObject({ file: 'idp.yaml', line: expect.any(Number) })
    }
    expect(trace.checks[1]?.seen).not.toHaveProperty('sensitivity')
  })

  it('decides as one without details does, and shows the condition that could not be judged', async () => {
    const failing = { when: { expression: "claims.x.startsWith('a')" } }
    const trustMap = await load({
      mode: 'audit',
      claimValidationRules: [{ expression: "claims.y == 'z'", message: 'no z' }],
      rules: [rule('a', failing), rule('b')],
    })
    for (const claims of [{ x: 'ab' }, { x: 'b', y: 'z' }, { x: 5 }, { x: 'a', id: 2 ** 53 }]) {
      const outcomes = [false, true].map((detailed) => {
        const trace = newTrace('r', now, detailed)
        try {
          return [run(trustMap, claims, trace).identity.origin.rule, trace.wouldRefuse]
        } catch (thrown) {
          return [String(thrown), trace.wouldRefuse]
        }
      })
      expect(outcomes[1]).toEqual(outcomes[0])
    }
    const trace = newTrace('r', now, true)
    expect(() => run(trustMap, { x: 5 }, trace)).toThrow(Refusal)
    expect(trace.checks.at(-1)).toMatchObject({ check: 'rules[0].when.expression', ok: false })
  })
})

describe('many rules', () => {
  const scalar = fc.constantFrom<string | number | boolean>('a', 'b', 'c', 1, true)
  const matcher = fc.oneof(
    scalar,
    fc.array(scalar, { minLength: 1, maxLength: 3 }),
    fc.constant({ glob: '*' }),
    fc.constant({ exists: false }),
  )
  const names = ['x', 'y', 'constructor', '/x']
  const conditions = fc.dictionary(fc.constantFrom(...names), matcher, { maxKeys: 3 })
  const values = fc.oneof(scalar, fc.constant(null), fc.array(scalar, { maxLength: 2 }))

  it('are searched with the same answer as one after the other, whatever is altered in the claims', async () => {
    const documents = fc.sample(fc.array(conditions, { minLength: 8, maxLength: 30 }), 40)
    for (const document of documents) {
      const rules = document.map((claims, index) =>
        rule(`r${index}`, Object.keys(claims).length === 0 ? {} : { when: { claims } }),
      )
      const trustMap = await load({ rules })
      fc.assert(
        fc.property(fc.dictionary(fc.constantFrom('x', 'y', 'constructor', '__proto__'), values), (claims) => {
          const linear = trustMap.rules.find(({ conditions: all }) => all.every(({ holds }) => holds(factsOf(claims))))
          const found = trustMap.firstRule(claims, ({ conditions: all }) =>
            all.every(({ holds }) => holds(factsOf(claims))),
          )
          expect(found?.name).toBe(linear?.name)
        }),
      )
    }
  })

  const factsOf = (claims: Claims) => ({
    claims,
    header: {},
    client: {},
    request: {},
    gateway: {},
    identity: {},
    actor: {},
    now: 0n,
  })

  it('are not tried when their claim has another value', async () => {
    const rules = Array.from({ length: 1_000 }, (_, index) =>
      rule(`r${index}`, { when: { claims: { id: `${index}`, env: 'prod' } } }),
    )
    const trustMap = await load({ rules })
    const tried: string[] = []
    trustMap.firstRule({ id: '500', env: 'prod' }, ({ name }) => {
      tried.push(name)
      return false
    })
    expect(tried).toEqual(['r500'])
    expect(run(trustMap, { id: '999', env: 'prod' }).identity.origin.rule).toBe('r999')
    expect(refusalOf(() => run(trustMap, { id: '7', env: 'dev' })).detail).toContain('the rule r7 came nearest')
  })
})
