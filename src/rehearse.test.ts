import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { openPlace, type Place } from '../test/world/place.ts'
import { type TestKey, testKey, testKeyring } from '../test/world/signing.ts'
import type { Claims } from './domain/claims.ts'
import { Refusal } from './domain/refusal.ts'
import { secret } from './domain/secret.ts'
import { newTrace } from './domain/trace.ts'
import { exchange } from './dragoman.ts'
import { claimsOf, parseCompactJws } from './formats/jws.ts'
import { rehearse } from './rehearse.ts'
import { createNodeDigest } from './runtimes/node/digest.ts'
import { loadTrust, type Trust } from './trust.ts'

const now = '2026-12-01T12:00:00Z'
const seconds = Date.parse(now) / 1_000
const orders = 'https://orders.example'
const password = 'a-secret-with-enough-entropy-for-a-test'

const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const people = document('TrustMap', 'people', {
  source: {
    oidc: {
      issuer: 'https://idp.example',
      jwksFile: 'idp.jwks.json',
      audiences: ['us'],
      algorithms: ['ES256'],
      types: ['id_token', 'access_token'],
      maxAge: '1h',
    },
  },
  claimValidationRules: [{ claim: 'tenant', requiredValue: 'acme', message: 'another tenant' }],
  rules: [
    {
      name: 'former',
      when: { claims: { groups: { contains: 'former' } } },
      identity: { type: 'user', subject: { claim: 'sub' } },
      grant: { audiences: [orders] },
      expires: '2026-11-30',
    },
    {
      name: 'staff',
      when: { claims: { groups: { contains: 'staff' } }, expression: "claims.amr.exists(m, m == 'mfa')" },
      identity: {
        type: 'user',
        subject: { claim: 'sub', prefix: 'user:' },
        tenant: { claim: 'tenant' },
        groups: { claim: 'groups' },
        claims: {
          email: { claim: 'email', sensitivity: 'pii', required: false },
          team: { claim: 'team', default: 'none' },
        },
      },
      grant: { audiences: [orders, 'https://billing.example'], scopes: ['orders:read'], ttl: '5m' },
    },
  ],
  identityValidationRules: [{ expression: "identity.subject != 'user:root'", message: 'reserved' }],
})

const machines = document('TrustMap', 'machines', {
  source: {
    oidc: { issuer: 'https://idp.example', jwksFile: 'idp.jwks.json', audiences: ['machines'], clients: ['edge'] },
  },
  rules: [
    {
      name: 'all',
      identity: { type: 'workload', subject: { claim: 'sub' } },
      grant: { audiences: ['https://*.example'] },
    },
  ],
})

const clientDocument = (name: string, may: object) =>
  document('Client', name, {
    authentication: [
      {
        method: 'client_secret_basic',
        secrets: [{ sha256: createHash('sha256').update(password).digest('base64url') }],
      },
    ],
    may,
  })

const everything = { sources: ['people', 'machines'], audiences: ['https://*.example'], scopes: ['orders:*'] }
const world = [
  people,
  machines,
  clientDocument('edge', everything),
  clientDocument('narrow', { ...everything, sources: ['people'] }),
]

const ada: Claims = {
  iss: 'https://idp.example',
  aud: 'us',
  sub: 'ada',
  tenant: 'acme',
  groups: ['staff', 'orders'],
  amr: ['pwd', 'mfa'],
  email: 'ada@acme.example',
  nonce: 'n',
  iat: seconds - 60,
  exp: seconds + 600,
}

const load = async (tests: readonly object[], fixtures: Readonly<Record<string, Claims>> = { ada }): Promise<Trust> => {
  const documents = [...world, document('TrustMapTest', 'suite', { now, fixtures, tests })]
  const files = documents.map((one, index) => ({ name: `${index}.yaml`, text: JSON.stringify(one) }))
  const { trust, faults } = await loadTrust(files, {
    world: 'serve',
    insecureLoopback: false,
    digest: createNodeDigest(),
  })
  if (trust === undefined) throw new Error(JSON.stringify(faults))
  return trust
}

/** What differs from `expect` when ada's token, with `claims` over hers, is presented. */
const differences = async (expected: object, test: object = {}) => {
  const trust = await load([{ name: 'test', token: 'ada', request: { audience: orders }, expect: expected, ...test }])
  const { tests } = await rehearse(trust, createNodeDigest())
  return tests.flatMap((one) => one.differences)
}

const refusedFor = async (claims: object, test: object = {}) => {
  const trust = await load([
    { name: 'test', token: 'ada', request: { audience: orders }, expect: { decision: 'deny' }, claims, ...test },
  ])
  const { tests } = await rehearse(trust, createNodeDigest())
  const outcome = tests[0]?.trace.outcome
  return outcome?.granted === false ? outcome.reason : 'granted'
}

describe('a rehearsal', () => {
  it('passes a test whose expectation is met, down to the token', async () => {
    const expected = {
      decision: 'allow',
      map: 'people',
      rule: 'staff',
      identity: {
        type: 'user',
        subject: 'user:ada',
        tenant: 'acme',
        groups: ['staff', 'orders'],
        roles: null,
        claims: { team: 'none' },
      },
      token: { sub: 'user:ada', aud: orders, scope: 'orders:read', email: null, team: 'none', exp_in: 300 },
    }
    expect(await differences(expected)).toEqual([])
  })

  it('says all that differs', async () => {
    const expected = {
      decision: 'allow',
      map: 'machines',
      rule: 'former',
      identity: { subject: 'ada', tenant: null, claims: { team: 'orders', email: null } },
      token: { scope: 'orders:write', exp_in: 600, missing: 'x' },
    }
    expect(await differences(expected)).toEqual([
      'map: expected machines, got people',
      'rule: expected former, got staff',
      'identity.subject: expected "ada", got "user:ada"',
      'identity.tenant: expected none, got "acme"',
      'identity.claims.team: expected "orders", got "none"',
      'identity.claims.email: expected none, got "ada@acme.example"',
      'token.scope: expected "orders:write", got "orders:read"',
      'token.exp_in: expected 600, got 300',
      'token.missing: expected "x", got none',
    ])
  })

  it('says when the decision is another, and why', async () => {
    expect(await differences({ decision: 'deny' })).toEqual(['decision: expected deny, got allow'])
    expect(await differences({ decision: 'allow' }, { claims: { tenant: 'evil' } })).toEqual([
      'decision: expected allow, got deny (map.validation_failed: another tenant (0.yaml:1))',
    ])
    expect(
      await differences({ decision: 'deny', reason: 'rule.none_matched' }, { claims: { tenant: 'evil' } }),
    ).toEqual(['reason: expected rule.none_matched, got map.validation_failed'])
  })

  it.each([
    ['issuer.unknown', { iss: 'https://evil.example' }],
    ['issuer.unknown', { iss: null }],
    ['credential.audience_mismatch', { aud: 'them' }],
    ['credential.expired', { exp: seconds - 61 }],
    ['credential.not_yet_valid', { nbf: seconds + 120 }],
    ['credential.too_old', { iat: seconds - 4_000 }],
    ['credential.claim_invalid', { sub: null }],
    ['credential.type_mismatch', { events: {} }],
    ['credential.confirmation_required', { cnf: { jkt: 'x' } }],
    ['map.validation_failed', { tenant: 'evil' }],
    ['rule.none_matched', { groups: [] }],
    ['rule.expired', { groups: ['former'] }],
    ['identity.invalid', { sub: 'root' }],
    ['identity.too_large', { team: 'x'.repeat(2_000) }],
  ])('refuses with %s as production does: %j', async (reason, claims) => {
    expect(await refusedFor(claims)).toBe(reason)
  })

  it('judges what is asked for', async () => {
    expect(await refusedFor({}, { request: { audience: 'https://evil.example' } })).toBe('target.not_allowed')
    expect(await refusedFor({}, { request: {} })).toBe('target.missing')
    expect(await refusedFor({}, { request: { audience: orders, scope: 'orders:write' } })).toBe('scope.not_allowed')
  })

  it('judges the rights of the client that a test names, and of nobody otherwise', async () => {
    const job = { aud: 'machines' }
    expect(await refusedFor(job)).toBe('granted')
    expect(await refusedFor(job, { client: 'edge' })).toBe('granted')
    expect(await refusedFor(job, { client: 'narrow' })).toBe('source.not_allowed')
  })

  it('takes a type that fits unless the test names one', async () => {
    const access = { nonce: null, scope: 'read' }
    expect(await refusedFor(access)).toBe('granted')
    expect(await refusedFor(access, { type: 'id_token' })).toBe('credential.type_mismatch')
    expect(await refusedFor({}, { type: 'jwt' })).toBe('credential.type_unsupported')
  })

  it('counts the tests in which each rule has spoken', async () => {
    const trust = await load([
      { name: 'one', token: 'ada', request: { audience: orders }, expect: { decision: 'allow' } },
      { name: 'two', token: 'ada', request: {}, expect: { decision: 'deny' } },
    ])
    const { coverage } = await rehearse(trust, createNodeDigest())
    expect(coverage.map(({ map, rule, tests }) => [map, rule, tests])).toEqual([
      ['people', 'former', 0],
      ['people', 'staff', 2],
      ['machines', 'all', 0],
    ])
  })
})

describe('a rehearsal and the journey', () => {
  let key: TestKey
  let place: Place
  beforeAll(async () => {
    key = await testKey('idp-1')
    place = await openPlace({
      issuer: 'https://dragoman.example',
      now: () => seconds,
      documents: world,
      files: { 'idp.jwks.json': { keys: [key.publicJwk] } },
      keyring: await testKeyring(),
    })
  })

  const form = 'urn:ietf:params:oauth:token-type:id_token'

  const journey = async (claims: Claims) => {
    const trace = newTrace('test', seconds, true)
    const client = { method: 'client_secret_basic', id: 'edge', secret: secret(password) } as const
    const subject = { type: form, raw: secret(await key.sign(claims)) }
    try {
      const token = await exchange({ client, subject, targets: [orders] }, place.desk, trace)
      return { map: trace.map, rule: trace.rule, token: plain(claimsOf(parseCompactJws(token.value.reveal()))) }
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown
      return { map: trace.map, rule: trace.rule, reason: thrown.reason }
    }
  }

  const rehearsed = async (claims: Claims) => {
    const test = {
      name: 'test',
      token: 'it',
      type: 'id_token',
      client: 'edge',
      request: { audience: orders },
      expect: { decision: 'allow', token: { nothing: 'x' } },
    }
    const [only] = (await rehearse(await load([test], { it: claims }), createNodeDigest())).tests
    const { outcome, map, rule } = only?.trace ?? {}
    if (outcome?.granted === false) return { map, rule, reason: outcome.reason }
    return { map, rule }
  }

  /** What is the same whoever issues it and whenever. */
  const plain = (claims: Claims): Claims =>
    Object.fromEntries(Object.entries(claims).filter(([name]) => !['jti', 'txn', 'map_version'].includes(name)))

  const change = fc.record(
    {
      iss: fc.constantFrom('https://idp.example', 'https://idp.example/'),
      aud: fc.constantFrom<Claims[string][]>('us', 'machines', ['us', 'them'], ['us', 'machines'], [], 'them'),
      sub: fc.constantFrom('ada', 'root', '', 'spiffe://x/y', 'a\u202eb', 'x'.repeat(300)),
      exp: fc.integer({ min: seconds - 120, max: seconds + 100_000 }),
      iat: fc.integer({ min: seconds - 7_200, max: seconds + 120 }),
      nbf: fc.integer({ min: seconds - 120, max: seconds + 120 }),
      tenant: fc.constantFrom('acme', 'Acme', true),
      groups: fc.constantFrom<Claims[string][]>(['staff'], ['former'], 'staff', [], ['x', 'staff', 'former']),
      amr: fc.constantFrom<Claims[string][]>(['mfa'], ['pwd'], 'mfa', [1]),
      azp: fc.constantFrom('us', 'them'),
      may_act: fc.constantFrom<Claims[string][]>({ sub: 'edge' }, { sub: 'narrow' }, {}),
      scope: fc.constantFrom('read', 7),
      team: fc.constantFrom<Claims[string][]>('orders', 7, { a: 1 }, 'x'.repeat(2_000)),
    },
    { requiredKeys: [] },
  )

  it('decide alike about any claims', async () => {
    await fc.assert(
      fc.asyncProperty(change, async (changes) => {
        const claims: Claims = { ...ada, ...changes }
        const { token: _, ...decided } = await journey(claims)
        expect(await rehearsed(claims)).toEqual(decided)
      }),
      { numRuns: 300 },
    )
  })

  it('mint the same claims', async () => {
    const { token = {} } = await journey(ada)
    const { sub, aud, amr, groups, map, rule, identity_type } = token
    const same = {
      sub,
      aud,
      amr,
      groups,
      map,
      rule,
      identity_type,
      exp_in: Number(token['exp']) - Number(token['iat']),
    }
    expect(same).toMatchObject({ sub: 'user:ada', exp_in: 300 })
    expect(await differences({ decision: 'allow', token: same })).toEqual([])
  })
})
