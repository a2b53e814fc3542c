import { describe, expect, it } from 'vitest'
import { authenticatedAs } from '../domain/client.ts'
import { proven } from '../domain/credential.ts'
import type { Passage } from '../domain/exchange.ts'
import { Refusal } from '../domain/refusal.ts'
import { newTrace } from '../domain/trace.ts'
import { loadTrust } from '../trust.ts'
import { map } from './map.ts'

/** Conditions on the gateway that asks and on what was asked of it, and identities that are kept as they are. */

const now = 1_800_000_000
const client = authenticatedAs({ id: 'edge-eu', method: 'gateway', rights: { sources: [], audiences: [], scopes: [] } })
const digest = { sha256: () => 'A'.repeat(43) }

const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const oidc = { oidc: { issuer: 'https://idp.example', audiences: ['dragoman'] } }
const gateways = ['edge-eu', 'edge-us'].map((name) =>
  document('Gateway', name, { authenticate: { network: ['10.0.0.7'] }, certificateFrom: 'rfc9440' }),
)

const user = { type: 'user', subject: { claim: 'sub' } }
const rule = (name: string, when?: object, identity: unknown = user) => ({
  name,
  ...(when === undefined ? {} : { when }),
  identity,
  grant: { audiences: ['https://orders.example'] },
})

const loaded = (spec: object, others: readonly object[] = gateways) => {
  const all = [document('TrustMap', 'people', { source: oidc, ...spec }), ...others]
  const files = all.map((one, n) => ({ name: `${n}.yaml`, text: JSON.stringify(one) }))
  return loadTrust(files, { world: 'serve', insecureLoopback: false, digest })
}

const load = async (...rules: readonly object[]) => {
  const { trust, faults } = await loaded({ rules })
  const [trustMap] = trust?.maps ?? []
  if (trustMap === undefined) throw new Error(JSON.stringify(faults))
  return trustMap
}

const credential = proven({
  kind: 'oidc',
  issuer: 'https://idp.example',
  subject: 'ada',
  audience: ['dragoman'],
  header: {},
  claims: { sub: 'ada' },
  expiresAt: now + 60,
})

const asked = { method: 'GET', host: 'orders.example.com', path: '/v1/orders' }

const ruleFor = async (rules: readonly object[], gateway?: Passage, detailed = false) => {
  const context = { client, request: { targets: [], scope: [] }, now, version: 'v', ...(gateway && { gateway }) }
  const trace = newTrace('r', now, detailed)
  try {
    map(credential, await load(...rules), context, trace)
    return trace.rule
  } catch (thrown) {
    return thrown instanceof Refusal ? thrown.reason : thrown
  }
}

describe('a rule speaks for a gateway', () => {
  const rules = [rule('eu', { gateway: 'edge-eu' }), rule('any-edge', { gateway: ['edge-us', 'edge-eu'] })]

  it.each<readonly [string, Passage | undefined, string]>([
    ['that it names', { name: 'edge-eu', request: asked }, 'eu'],
    ['that it names among others', { name: 'edge-us', request: asked }, 'any-edge'],
    ['but not for another', { name: 'mesh', request: asked }, 'rule.none_matched'],
    ['and not at the token endpoint', undefined, 'rule.none_matched'],
  ])('%s', async (_, gateway, expected) => {
    for (const detailed of [false, true]) expect(await ruleFor(rules, gateway, detailed)).toBe(expected)
  })
})

describe('a rule speaks for what was asked of a gateway', () => {
  const rules = [
    rule('writes', { request: { hosts: ['orders.example.com'], paths: ['/v1/**'], methods: ['POST'] } }),
    rule('reads', { request: { hosts: ['*.example.com'], methods: ['GET'] } }),
    rule('by-port', { request: { hosts: ['*:8443'] } }),
    rule('computed', { expression: "request.path == '/health' && gateway.name == 'edge-eu'" }),
  ]
  const through = (changes: object): Passage => ({ name: 'edge-eu', request: { ...asked, ...changes } })

  it.each<readonly [string, Passage | undefined, string]>([
    ['by host, path and method together', through({ method: 'POST' }), 'writes'],
    ['by host and method', through({}), 'reads'],
    ['by port', through({ host: 'other', port: '8443' }), 'by-port'],
    ['by an expression', through({ host: 'other', path: '/health' }), 'computed'],
    ['but not when one of these is another', through({ method: 'POST', path: '/v2' }), 'rule.none_matched'],
    ['and not at the token endpoint', undefined, 'rule.none_matched'],
  ])('%s', async (_, gateway, expected) => {
    for (const detailed of [false, true]) expect(await ruleFor(rules, gateway, detailed)).toBe(expected)
  })

  it('and no expression is tried that could fail for another gateway', async () => {
    const failing = { gateway: 'edge-us', expression: "claims.sub + 1 == ''" }
    expect(await ruleFor([rule('us', failing), rule('rest')], through({}))).toBe('rest')
  })

  it('and the map knows whether it matters', async () => {
    const reads = async (...all: readonly object[]) => (await load(...all)).readsRequest
    expect(await reads(rule('all'))).toBe(false)
    expect(await reads(rule('eu', { gateway: 'edge-eu', claims: { request: ['x'] } }))).toBe(false)
    expect(await reads(rule('reads', { request: { methods: ['GET'] } }))).toBe(true)
    expect(await reads(rule('all'), rule('computed', { expression: "request.method == 'GET'" }))).toBe(true)
    expect(await reads(rule('all', undefined, { ...user, tenant: { expression: 'request.host' } }))).toBe(true)
    const judging = { rules: [rule('all')], claimValidationRules: [{ expression: 'has(request.path)', message: 'm' }] }
    expect((await loaded(judging)).trust?.maps[0]?.readsRequest).toBe(true)
  })
})

describe('a document', () => {
  const faultsOf = async (...args: Parameters<typeof loaded>) =>
    (await loaded(...args)).faults.map(({ path, message, fix }) => [path, message, fix])

  it('that names a gateway which is not there is at fault', async () => {
    expect(await faultsOf({ rules: [rule('eu', { gateway: ['edge-eu', 'edge-uz'] })] })).toEqual([
      ['spec.rules[0].when.gateway[1]', 'there is no Gateway "edge-uz"', 'did you mean `edge-us`?'],
    ])
    expect(await faultsOf({ rules: [rule('eu', { gateway: 'edge' })] }, [])).toEqual([
      ['spec.rules[0].when.gateway', 'there is no Gateway "edge"', undefined],
    ])
  })

  it('that names no request is at fault', async () => {
    expect(await faultsOf({ rules: [rule('all', { request: {} })] })).toMatchObject([
      ['spec.rules[0].when.request', 'is empty: leave it out if any request will do', undefined],
    ])
  })

  it('that keeps an identity which somebody else wrote is at fault', async () => {
    expect(await faultsOf({ rules: [rule('all'), rule('kept', undefined, 'same')] })).toMatchObject([
      [
        'spec.rules[1].identity',
        'only tokens of our own (source.canonical) say who somebody is in our terms',
        'map the claims: type, subject, …',
      ],
    ])
  })

  it('may name a Gateway among the clients of a source', async () => {
    const spec = (clients: readonly string[]) => ({
      source: { canonical: { audiences: ['https://orders.example'], clients } },
      rules: [rule('kept', undefined, 'same')],
    })
    expect(await faultsOf(spec(['edge-eu']))).toEqual([])
    expect(await faultsOf(spec(['edge-uk']))).toMatchObject([
      [
        'spec.source.canonical.clients[0]',
        'there is no Client with the client_id "edge-uk"',
        'did you mean `edge-us`?',
      ],
    ])
  })

  it('that narrows the tokens of an audience which another narrows too is at fault', async () => {
    const spec = {
      source: { canonical: { audiences: ['https://orders.example'] } },
      rules: [rule('a', undefined, 'same')],
    }
    expect(await faultsOf(spec, [document('TrustMap', 'others', spec)])).toMatchObject([
      ['spec.source.canonical', 'the map people believes the same issuer for the same audience', expect.any(String)],
    ])
  })
})
