import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  document,
  type EgressWorld,
  gateway,
  gatewayProof,
  openEgressWorld,
  partner,
  partnerHost,
  us,
} from './egress-world.ts'

let world: EgressWorld

beforeAll(async () => {
  world = await openEgressWorld({
    secrets: { stripe: 'rk_live_0123456789' },
    documents: () => [
      partner('stripe', { type: 'api-key', value: { file: 'stripe' } }),
      partner(
        'nobody',
        { type: 'api-key', value: { file: 'stripe' } },
        { destinations: { hosts: ['nobody.example'] }, allow: [] },
      ),
      gateway('edge-nginx', 'nginx'),
    ],
  })
})

afterAll(async () => world.stop())

describe('a request on its way out', () => {
  it('is given what the partner accepts in place of our token', async () => {
    const { status, body } = await world.describe(await world.token())
    expect([status, body]).toEqual([
      200,
      {
        decision: 'allow',
        partner: 'stripe',
        set: [['authorization', 'Bearer rk_live_0123456789']],
        remove: expect.arrayContaining(['cookie', 'x-forwarded-client-cert', 'txn-token', 'x-dragoman-subject']),
        query: { set: [], remove: [] },
        cacheable: true,
        bound_to: [],
        expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
        credential_id: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
        request_id: expect.any(String),
      },
    ])
  })
})

void [document, gatewayProof, partnerHost, us]
