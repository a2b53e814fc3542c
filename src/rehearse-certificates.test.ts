import { describe, expect, it } from 'vitest'
import { rehearse } from './rehearse.ts'
import { createNodeDigest } from './runtimes/node/digest.ts'
import { loadTrust } from './trust.ts'

/** Policy tests about credentials that are not claims themselves, and about who acts for whom. */

const now = '2026-12-01T12:00:00Z'
const seconds = Date.parse(now) / 1_000
const orders = 'https://orders.example'

const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const grant = { audiences: [orders] }

const world = [
  document('TrustMap', 'workloads', {
    source: { x509: { trustAnchors: 'ca.pem' } },
    rules: [
      {
        name: 'named',
        when: { claims: { '/san/dns': { contains: { glob: '*.acme.example' } } } },
        identity: { type: 'workload', subject: { claim: '/subject/CN', prefix: 'workload:' } },
        grant: { ...grant, senderConstraint: 'mtls' },
      },
    ],
  }),
  document('TrustMap', 'mesh', {
    source: { spiffe: { trustDomains: [{ name: 'prod.example.org', bundleFile: 'b.json' }], audiences: ['us'] } },
    rules: [
      {
        name: 'all',
        identity: { type: 'workload', subject: { claim: '/spiffe/path', prefix: 'mesh:' } },
        grant,
      },
    ],
  }),
  document('TrustMap', 'people', {
    source: { oidc: { issuer: 'https://idp.example', jwksFile: 'idp.json', audiences: ['us'] } },
    rules: [
      {
        name: 'through-web',
        when: { actor: { map: ['mesh'], expression: "claims.spiffe.path.startsWith('/web/')" } },
        identity: { type: 'user', subject: { expression: "'user:' + claims.sub + ':' + actor.subject" } },
        grant,
      },
      {
        name: 'alone',
        when: { claims: { sub: 'root' } },
        identity: { type: 'user', subject: { claim: 'sub' } },
        grant,
      },
    ],
  }),
]

const fixtures = {
  ada: { iss: 'https://idp.example', aud: 'us', sub: 'ada', nonce: 'n', iat: seconds - 60, exp: seconds + 600 },
  certificate: { subject: { CN: 'orders', dn: 'CN=orders' }, san: { dns: ['orders.acme.example'] } },
  web: { sub: 'spiffe://prod.example.org/web/1' },
  batch: { sub: 'spiffe://prod.example.org/batch' },
  partner: { sub: 'spiffe://partner.example.net/web/1' },
}

const load = async (test: object) => {
  const spec = { now, fixtures, tests: [{ name: 'it', ...test }] }
  const files = [...world, document('TrustMapTest', 'suite', spec)].map((one, index) => ({
    name: `${index}.yaml`,
    text: JSON.stringify(one),
  }))
  return loadTrust(files, { world: 'serve', insecureLoopback: false, digest: createNodeDigest() })
}

const differences = async (test: object): Promise<readonly string[]> => {
  const { trust, faults } = await load(test)
  if (trust === undefined) throw new Error(JSON.stringify(faults))
  const { tests } = await rehearse(trust, createNodeDigest())
  return tests.flatMap((one) => one.differences)
}

const allow = { decision: 'allow' }

describe('a policy test', () => {
  it('plays a certificate', async () => {
    const identity = { subject: 'workload:orders' }
    const token = { cnf: { 'x5t#S256': 'rehearsal'.padEnd(43, '-') } }
    expect(
      await differences({ token: 'certificate', source: 'workloads', expect: { ...allow, identity, token } }),
    ).toEqual([])
  })

  it.each([
    ['that has expired', { not_after: seconds - 1 }, 'credential.expired'],
    ['of tomorrow', { not_before: seconds + 1 }, 'credential.not_yet_valid'],
    ['that no rule names', { san: { dns: ['orders.evil.example'] } }, 'rule.none_matched'],
    ['whose end is no time', { not_after: 'soon' }, 'credential.claim_invalid'],
  ])('plays a certificate %s', async (_, claims, reason) => {
    const test = { token: 'certificate', source: 'workloads', claims, expect: { decision: 'deny', reason } }
    expect(await differences(test)).toEqual([])
  })

  it('plays an SVID', async () => {
    expect(
      await differences({ token: 'web', source: 'mesh', expect: { ...allow, identity: { subject: 'mesh:/web/1' } } }),
    ).toEqual([])
    expect(
      await differences({ token: 'partner', source: 'mesh', expect: { decision: 'deny', reason: 'issuer.unknown' } }),
    ).toEqual([])
  })

  it('plays a user through a workload', async () => {
    const test = { token: 'ada', actor: { token: 'web', source: 'mesh' } }
    const identity = { subject: 'user:ada:mesh:/web/1' }
    const token = { act: { sub: 'mesh:/web/1', identity_type: 'workload' } }
    expect(await differences({ ...test, expect: { ...allow, rule: 'through-web', identity, token } })).toEqual([])
  })

  it.each([
    ['nobody', {}, 'rule.none_matched'],
    ['another workload', { actor: { token: 'batch', source: 'mesh' } }, 'rule.none_matched'],
    ['a certificate of another map', { actor: { token: 'certificate', source: 'workloads' } }, 'rule.none_matched'],
    [
      'a workload of no interest to the rule',
      { claims: { sub: 'root' }, actor: { token: 'batch', source: 'mesh' } },
      'request.actor_unsupported',
    ],
  ])('plays a user through %s', async (_, test, reason) => {
    expect(await differences({ token: 'ada', ...test, expect: { decision: 'deny', reason } })).toEqual([])
  })

  it.each([
    ['source', { token: 'ada', source: 'worklods' }, /no TrustMap|worklods/],
    ['actor.source', { token: 'ada', actor: { token: 'web', source: 'mash' } }, /no TrustMap|mash/],
    ['actor.token', { token: 'ada', actor: { token: 'wb', source: 'mesh' } }, /no such fixture/],
  ])('is at fault when its %s names nothing', async (path, test, message) => {
    const { faults } = await load({ ...test, expect: allow })
    expect(faults).toHaveLength(1)
    expect(faults[0]?.path).toBe(`spec.tests[0].${path}`)
    expect(`${faults[0]?.message} ${faults[0]?.fix}`).toMatch(message)
  })
})
