import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFolder } from '../../../test/world/program.ts'
import { newSigningKey, publicHalf, signed } from '../../../test/world/signing-keys.ts'
import { createDragoman, type DragomanOptions } from './embedded.ts'

/** dragoman as a part of somebody else's program. */

const issuer = 'https://app.example'
const idp = 'https://idp.example'
const orders = 'https://orders.example'

const document = (kind: string, name: string, spec: object) =>
  JSON.stringify({ apiVersion: 'dragoman/v1alpha1', kind, metadata: { name }, spec })

const open = async (more: Partial<DragomanOptions> = {}) => {
  const folder = temporaryFolder()
  const key = await newSigningKey('ES256', 'idp-1')
  mkdirSync(join(folder, 'maps'))
  const write = (name: string, text: string) => writeFileSync(join(folder, 'maps', name), text)
  write('idp.jwks.json', JSON.stringify({ keys: [publicHalf(key)] }))
  write(
    'people.yaml',
    document('TrustMap', 'people', {
      source: { oidc: { issuer: idp, jwksFile: 'idp.jwks.json', audiences: [issuer], algorithms: ['ES256'] } },
      rules: [
        {
          name: 'all',
          identity: { type: 'user', subject: { claim: 'sub', prefix: 'user:' } },
          grant: { audiences: [orders] },
        },
      ],
    }),
  )
  write(
    'edge.yaml',
    document('Client', 'edge', {
      authentication: [{ method: 'client_secret_post', secrets: [{ env: 'EMBEDDED_SECRET' }] }],
      may: { sources: ['people'], audiences: [orders] },
    }),
  )
  process.env['EMBEDDED_SECRET'] = 'a-secret-of-an-embedding-program-of-tests'
  const options = { issuer, trustMaps: join(folder, 'maps'), keys: join(folder, 'keys'), generateKey: true }
  const dragoman = await createDragoman({ ...options, state: ':memory:', audit: 'none', ...more })
  onTestFinished(() => dragoman.close())
  const now = Math.floor(Date.now() / 1_000)
  const token = () => signed(key, { iss: idp, sub: 'ada', aud: issuer, iat: now, exp: now + 300 })
  return { dragoman, token }
}

const form = (subjectToken: string) =>
  new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    client_id: 'edge',
    client_secret: 'a-secret-of-an-embedding-program-of-tests',
    subject_token: subjectToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    audience: orders,
  })

describe('an embedded dragoman', () => {
  it('answers beside the routes of the program that it is a part of, over its own listener', async () => {
    const { dragoman, token } = await open()
    const app = new Hono().get('/hello', (context) => context.text('hello')).route('/', dragoman.app)
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
    onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())))
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    expect(await (await fetch(`${url}/hello`)).text()).toBe('hello')
    const answer = await fetch(`${url}/token`, { method: 'POST', body: form(await token()) })
    const { access_token: given } = (await answer.json()) as { access_token: string }
    const keys = await (await fetch(`${url}/jwks.json`)).json()
    const { payload } = await jwtVerify(given, createLocalJWKSet(keys as never), { issuer, audience: orders })
    expect(payload.sub).toBe('user:ada')
  })

  it('answers without any listener, and refuses as it does elsewhere', async () => {
    const { dragoman, token } = await open()
    const ask = (subjectToken: string) =>
      dragoman.app.request(`${issuer}/token`, { method: 'POST', body: form(subjectToken) })
    expect((await ask(await token())).status).toBe(200)
    const refused = await ask(`${(await token()).slice(0, -8)}AAAAAAAA`)
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'invalid_request' }])
    expect((await dragoman.app.request(`${issuer}/readyz`)).status).toBe(404)
    expect((await dragoman.admin.request('/readyz')).status).toBe(200)
    await dragoman.close()
    expect((await dragoman.admin.request('/readyz')).status).toBe(503)
  })

  it('is not opened over documents with faults, nor without keys', async () => {
    const faulty = [{ name: 'people.yaml', text: 'spec: [' }]
    await expect(open({ documents: faulty })).rejects.toThrow('fault')
    await expect(open({ generateKey: false })).rejects.toThrow('no signing key')
  })
})
