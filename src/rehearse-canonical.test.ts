import { describe, expect, it } from 'vitest'
import { rehearse } from './rehearse.ts'
import { createNodeDigest } from './runtimes/node/digest.ts'
import { loadTrust } from './trust.ts'

/** Policy tests about tokens of our own, and about requests through a gateway. */

const orders = 'https://orders.example'
const billing = 'https://billing.example'
const digest = createNodeDigest()

const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const documents = [
  document('TrustMap', 'from-orders', {
    source: { canonical: { audiences: [orders] } },
    rules: [
      {
        name: 'through-mesh',
        when: { gateway: 'mesh', request: { methods: ['GET'], paths: ['/v1/**'] } },
        identity: 'same',
        grant: { audiences: [billing], scopes: ['billing:read'] },
      },
      {
        name: 'directly',
        when: { claims: { groups: { contains: 'staff' } }, expression: '!has(gateway.name)' },
        identity: 'same',
        grant: { audiences: [billing], scopes: ['billing:read', 'billing:write'] },
      },
    ],
  }),
  document('TrustMap', 'bots', {
    source: { canonical: { audiences: ['https://bots.example'] } },
    rules: [{ name: 'all', identity: 'same', grant: { audiences: [billing] } }],
  }),
  document('TrustMap', 'corp', {
    source: { saml: { entityID: 'https://sts.example', metadataFile: 'idp.xml', audiences: ['https://us.example'] } },
    rules: [{ name: 'all', identity: { type: 'user', subject: { claim: 'sub' } }, grant: { audiences: [billing] } }],
  }),
  document('Gateway', 'mesh', { authenticate: { network: ['10.0.0.7'] }, certificateFrom: 'rfc9440' }),
]

const suite = (...tests: readonly object[]) =>
  document('TrustMapTest', 'onward', {
    now: '2026-12-01T12:00:00Z',
    fixtures: {
      ada: {
        sub: 'user:ada',
        groups: ['staff'],
        scope: 'billing:read orders:read',
        txn: 't-1',
        act: { client_id: 'edge' },
      },
    },
    tests: tests.map((test) => ({ name: 'a test', token: 'ada', source: 'from-orders', ...test })),
  })

const differences = async (...tests: readonly object[]) => {
  const files = [...documents, suite(...tests)].map((one, n) => ({ name: `${n}.yaml`, text: JSON.stringify(one) }))
  const { trust, faults } = await loadTrust(files, { world: 'serve', insecureLoopback: false, digest })
  if (trust === undefined) throw new Error(JSON.stringify(faults))
  return (await rehearse(trust, digest)).tests.map((one) => one.differences)
}

const allowed = (more: object = {}) => ({ decision: 'allow', ...more })
const denied = (reason: string) => ({ decision: 'deny', reason })

describe('a policy test plays a token of ours', () => {
  it.each<readonly [string, object]>([
    [
      'and what is issued for it',
      {
        expect: allowed({
          map: 'from-orders',
          rule: 'directly',
          identity: { type: 'user', subject: 'user:ada', groups: ['staff'] },
          token: {
            txn: 't-1',
            scope: 'billing:read',
            act: { client_id: 'any-client', act: { client_id: 'edge' } },
            exp_in: 300,
          },
        }),
      },
    ],
    ['that has another scope', { claims: { scope: null }, expect: allowed({ token: { scope: null } }) }],
    ['that does not reach', { request: { scope: 'billing:write' }, expect: denied('scope.not_allowed') }],
    ['for another audience', { claims: { aud: billing }, expect: denied('credential.audience_mismatch') }],
    ['that has expired', { claims: { exp: 1_796_126_400 }, expect: denied('credential.expired') }],
    ['without the group', { claims: { groups: null }, expect: denied('rule.none_matched') }],
    ['through a gateway', { gateway: { name: 'mesh', path: '/v1/x' }, expect: allowed({ rule: 'through-mesh' }) }],
    [
      'through a gateway that is the actor',
      { gateway: { name: 'mesh', path: '/v1/x' }, expect: allowed({ token: { client_id: 'mesh' } }) },
    ],
    [
      'through a gateway in another way',
      { gateway: { name: 'mesh', method: 'POST', path: '/v1/x' }, expect: denied('rule.none_matched') },
    ],
    [
      'of a bot as actor that nobody asks for',
      { actor: { token: 'ada', source: 'bots' }, expect: denied('request.actor_unsupported') },
    ],
  ])('%s', async (_, test) => {
    expect(await differences(test)).toEqual([[]])
  })

  it.each<readonly [object, object]>([
    [{ audiences: [billing], count: 2 }, allowed({ token: { proxy_restriction: { audiences: [billing], count: 1 } } })],
    [{ audiences: [], count: 1 }, allowed({ token: { proxy_restriction: { count: 0 } } })],
    [{ audiences: [] }, allowed({ token: { proxy_restriction: null } })],
    [{ audiences: [], count: 0 }, denied('credential.onward_forbidden')],
    [{ audiences: [orders] }, denied('target.not_allowed')],
  ])('that rests on an assertion with the restriction %j', async (proxy_restriction, expected) => {
    expect(await differences({ source: 'corp', claims: { proxy_restriction }, expect: expected })).toEqual([[]])
  })

  it('and what is expected wrongly shows', async () => {
    expect(await differences({ expect: allowed({ token: { txn: 'other' } }) })).toEqual([
      ['token.txn: expected "other", got "t-1"'],
    ])
  })

  it('and a gateway that is not there is a fault', async () => {
    await expect(differences({ gateway: { name: 'mash' }, expect: allowed() })).rejects.toThrow('there is no Gateway')
  })
})
