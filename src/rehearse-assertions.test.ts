import { describe, expect, it } from 'vitest'
import { rehearse } from './rehearse.ts'
import { createNodeDigest } from './runtimes/node/digest.ts'
import { loadTrust } from './trust.ts'

/** Policy tests about SAML assertions. */

const now = '2026-12-01T12:00:00Z'
const seconds = Date.parse(now) / 1_000
const orders = 'https://orders.example'

const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const world = [
  document('TrustMap', 'corp', {
    source: {
      preset: 'entra-saml',
      saml: { entityID: 'https://sts.windows.net/acme/', metadataFile: 'idp.xml', audiences: ['https://us.example'] },
    },
    rules: [
      {
        name: 'clerks',
        when: { claims: { groups: { contains: 'clerks' } } },
        identity: { type: 'user', subject: { claim: 'oid', prefix: 'user:' }, groups: { claim: 'groups' } },
        grant: { audiences: [orders], ttl: '10m' },
      },
    ],
  }),
  document('TrustMap', 'tokens', {
    source: { oidc: { issuer: 'https://idp.example', jwksFile: 'idp.json', audiences: ['us'] } },
    rules: [
      {
        name: 'on-behalf',
        when: { actor: { map: 'corp', claims: { groups: { contains: 'clerks' } } } },
        identity: { type: 'user', subject: { claim: 'sub' } },
        grant: { audiences: [orders] },
      },
    ],
  }),
]

const attributes = {
  'http://schemas.microsoft.com/identity/claims/objectidentifier': ['3332eca7ea81'],
  'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups': ['clerks'],
}

const fixtures = {
  ada: { sub: 'ada@acme.example', oid: '3332eca7ea81', groups: ['clerks'] },
  byName: { sub: 'ada@acme.example', attributes },
  overage: {
    sub: 'ada@acme.example',
    oid: '3332eca7ea81',
    attributes: { 'http://schemas.microsoft.com/claims/groups.link': ['https://graph.windows.net/x'] },
  },
  token: { iss: 'https://idp.example', aud: 'us', sub: 'bob', iat: seconds - 60, exp: seconds + 600 },
}

const differences = async (test: object): Promise<readonly string[]> => {
  const spec = { now, fixtures, tests: [{ name: 'it', ...test }] }
  const files = [...world, document('TrustMapTest', 'suite', spec)].map((one, index) => ({
    name: `${index}.yaml`,
    text: JSON.stringify(one),
  }))
  const digest = createNodeDigest()
  const { trust, faults } = await loadTrust(files, { world: 'serve', insecureLoopback: false, digest })
  if (trust === undefined) throw new Error(JSON.stringify(faults))
  const { tests } = await rehearse(trust, digest)
  return tests.flatMap((one) => one.differences)
}

const corp = { token: 'ada', source: 'corp' }
const denied = (reason: string) => ({ decision: 'deny', reason })

describe('a policy test about an assertion', () => {
  it.each<[string, object, object]>([
    ['by short names', corp, { decision: 'allow', map: 'corp', identity: { subject: 'user:3332eca7ea81' } }],
    [
      'by the names of attributes',
      { ...corp, token: 'byName' },
      { decision: 'allow', identity: { subject: 'user:3332eca7ea81', groups: ['clerks'] } },
    ],
    [
      'that lives as long as it says',
      { ...corp, claims: { exp: seconds + 120 } },
      { decision: 'allow', token: { exp_in: 120 } },
    ],
    ['that no rule speaks for', { ...corp, claims: { groups: ['others'] } }, denied('rule.none_matched')],
    ['with a link to its groups', { ...corp, token: 'overage' }, denied('map.validation_failed')],
    ['for somebody else', { ...corp, claims: { aud: 'https://them.example' } }, denied('credential.audience_mismatch')],
    ['of another provider', { ...corp, claims: { iss: 'https://sts.windows.net/evil/' } }, denied('issuer.unknown')],
    ['that has expired', { ...corp, claims: { exp: seconds - 120 } }, denied('credential.expired')],
    ['without a name', { ...corp, claims: { sub: null } }, denied('credential.claim_invalid')],
  ])('plays one %s', async (_, test, expectation) => {
    expect(await differences({ ...test, expect: expectation })).toEqual([])
  })

  it('plays one as the actor', async () => {
    const test = { token: 'token', actor: { token: 'ada', source: 'corp' } }
    const act = { sub: 'user:3332eca7ea81', identity_type: 'user' }
    expect(await differences({ ...test, expect: { decision: 'allow', rule: 'on-behalf', token: { act } } })).toEqual([])
    expect(
      await differences({
        ...test,
        actor: { ...test.actor, token: 'overage' },
        expect: denied('actor.invalid'),
      }),
    ).toEqual([])
  })

  it('sees what differs', async () => {
    expect(await differences({ ...corp, expect: { decision: 'allow', identity: { subject: 'user:ada' } } })).toEqual([
      expect.stringContaining('user:3332eca7ea81'),
    ])
  })
})
