import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Document, documentsFor, orders, trustMap } from '../world/documents.ts'
import { eventually, subjectTokenTypes } from '../world/dragoman.ts'
import { clientSecret, clients, dragomanAudience, paths } from '../world/openid-provider-settings.ts'
import { type Running, startBoth } from '../world/running.ts'

/** From a person's ID token to the call of a partner that is a real authorization server. */

const gatewaySecret = 'the-egress-gateway-of-the-test-world'
const sha256 = createHash('sha256').update(gatewaySecret).digest('base64url')

const document = (kind: string, name: string, spec: Document['spec']): Document => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const partner = (name: string, issuer: string, method: string, clientId: string) =>
  document('Partner', name, {
    destinations: { hosts: [`${name}.example`] },
    allow: [{ subjects: ['user:alice'] }],
    credential: {
      type: 'client-credentials',
      tokenEndpoint: issuer + paths.token,
      clientAuth: { method, clientId, clientSecret: { env: 'INTROSPECTION_SECRET' } },
      scopes: ['orders:read'],
      resource: dragomanAudience,
    },
  })

const documents = (issuer: string): readonly Document[] => [
  ...documentsFor(issuer),
  trustMap('inside', {
    source: { canonical: { audiences: [orders] } },
    rules: [{ name: 'bearers', identity: 'same', grant: { audiences: [orders], ttl: '5m' } }],
  }),
  document('Gateway', 'egress', {
    direction: 'egress',
    dialect: 'nginx',
    originatesTLS: true,
    authenticate: { secretHeader: { name: 'x-gateway', secrets: [{ sha256 }] } },
  }),
  partner('basic', issuer, 'client_secret_basic', clients.outwardBasic.client_id),
  partner('post', issuer, 'client_secret_post', clients.outwardPost.client_id),
  partner('wrong', issuer, 'client_secret_basic', 'nobody-at-partner'),
]

let running: Running
beforeAll(async () => {
  running = await startBoth(documents)
  return running.stop
})

const canonicalToken = async (user: 'alice' | 'bob') => {
  const { provider, dragoman } = running
  const form = { subject_token: await provider.idToken(user), subject_token_type: subjectTokenTypes.idToken }
  return (await dragoman.exchange(form)).body.access_token ?? ''
}

const ask = (token: string, host: string) =>
  fetch(`${running.dragoman.url}/egress/egress`, {
    headers: {
      'x-gateway': gatewaySecret,
      authorization: `Bearer ${token}`,
      'x-forwarded-method': 'GET',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': host,
      'x-forwarded-uri': '/',
    },
  })

describe('a real authorization server as partner', () => {
  it.each([
    ['basic', clients.outwardBasic.client_id],
    ['post', clients.outwardPost.client_id],
  ])('gives a token to %s authentication, and it is its own', async (name, clientId) => {
    const token = await canonicalToken('alice')
    const answer = await ask(token, `${name}.example`)
    expect(answer.status).toBe(200)
    const given = (answer.headers.get('authorization') ?? '').replace(/^Bearer /, '')
    const keys = createRemoteJWKSet(new URL(running.provider.issuer + paths.jwks))
    const { payload } = await jwtVerify(given, keys, { issuer: running.provider.issuer, audience: dragomanAudience })
    expect(payload).toMatchObject({ client_id: clientId, scope: 'orders:read' })
    const record = await eventually(() => running.dragoman.audit().find((one) => one['partner'] === name))
    expect(record).toMatchObject({
      decision: 'granted',
      subject: 'user:alice',
      txn: decodeJwt(token)['txn'],
      subject_token_jti: decodeJwt(token).jti,
      credential_kinds: ['client-credentials'],
    })
  })

  it('refuses a client that it does not know, and the audit says so', async () => {
    const answer = await ask(await canonicalToken('alice'), 'wrong.example')
    expect(answer.status).toBe(403)
    const record = await eventually(() => running.dragoman.audit().find((one) => one['partner'] === 'wrong'))
    expect(record).toMatchObject({ reason: 'partner.unauthenticated', detail: expect.stringContaining('status 401') })
  })

  it('leaves no secret and no token in what was written, nor in the state', async () => {
    const token = await canonicalToken('alice')
    const answer = await ask(token, 'basic.example')
    const given = (answer.headers.get('authorization') ?? '').replace(/^Bearer /, '')
    const state = ['state.sqlite', 'state.sqlite-wal'].map((file) =>
      readFileSync(join(running.folder, 'state', file)).toString('latin1'),
    )
    const everything = [running.dragoman.output(), ...state].join('\n')
    expect(everything.length).toBeGreaterThan(1_000)
    for (const secret of [clientSecret, gatewaySecret, given, token, given.split('.')[2], token.split('.')[2]])
      expect(everything.includes(secret ?? '')).toBe(false)
  })
})
