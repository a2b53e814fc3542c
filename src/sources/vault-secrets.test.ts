import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RecordedPartner, startPartner } from '../../test/world/recorded-partner.ts'
import { secret } from '../domain/secret.ts'
import { createNodeHttp } from '../runtimes/node/http.ts'
import { createOutbound } from './outbound.ts'
import { createVault, type VaultAccess } from './vault-secrets.ts'

/** A server that answers as Vault and OpenBao document their KV store, version 2, and their jwt auth method. */

let server: RecordedPartner

beforeAll(async () => {
  server = await startPartner()
})
beforeEach(() => server.forget())
afterAll(() => server.stop())

const warnings: string[] = []
const tools = {
  secrets: { read: async () => secret('hvs.static-token') },
  clock: { now: () => 0 },
  log: {
    info: () => undefined,
    warn: (message: string, more?: object) => {
      warnings.push(JSON.stringify([message, more]))
    },
  },
}

const open = (auth: VaultAccess['auth'] = { token: { file: 'token' } }, namespace?: string) =>
  createVault(
    { address: `${server.url}/`, auth, ...(namespace === undefined ? {} : { namespace }) },
    createOutbound(createNodeHttp(), { insecureLoopback: true }),
    tools,
  )

const stripe = { mount: 'secret', path: 'partners/stripe', field: 'key' }
const kv = (data: object) => ({ body: { data: { data, metadata: { version: 3 } } } })

describe('the KV store, version 2', () => {
  it('is read with the token, in the namespace, and once for several fields', async () => {
    server.answer(kv({ key: 'rk_1', other: 'rk_2' }))
    const vault = open(undefined, 'team-a')
    expect((await vault.read(stripe, 0)).reveal()).toBe('rk_1')
    expect((await vault.read({ ...stripe, field: 'other' }, 1)).reveal()).toBe('rk_2')
    expect(server.asked.map(({ method, target }) => `${method} ${target}`)).toEqual([
      'GET /v1/secret/data/partners/stripe',
    ])
    expect(server.asked[0]?.headers).toMatchObject({
      'x-vault-token': 'hvs.static-token',
      'x-vault-namespace': 'team-a',
    })
  })

  it('is read again after a minute, and for an hour what is known is used while it is down', async () => {
    server.answer(kv({ key: 'old' }))
    const vault = open()
    await vault.read(stripe, 0)
    server.answer(kv({ key: 'new' }))
    expect((await vault.read(stripe, 61)).reveal()).toBe('new')
    server.answer({ status: 503 })
    expect((await vault.read(stripe, 61 + 3_599)).reveal()).toBe('new')
    await expect(vault.read(stripe, 61 + 3_700)).rejects.toThrow('answers with status 503')
    expect(warnings.join()).not.toContain('new')
  })

  it.each([
    ['no such field', kv({ other: 'x' }), 'there is no text in the field key'],
    ['a field of the prototype', kv({}), 'there is no text in the field key'],
    ['a number', kv({ key: 1 }), 'there is no text in the field key'],
    ['an empty text', kv({ key: '' }), 'there is no text in the field key'],
    ['the store of version 1', { body: { data: { key: 'v1' } } }, 'does not answer as a KV store of version 2'],
    ['garbage', { body: 'no', headers: { 'content-type': 'application/json' } }, 'the text is not JSON'],
    ['not found', { status: 404, body: { errors: [] } }, 'answers with status 404'],
    ['a redirect elsewhere', { status: 307, headers: { location: 'http://10.0.0.1/' } }, 'redirects'],
  ])('of which it has %s is no secret', async (_, answer, message) => {
    server.answer(answer)
    await expect(open().read(stripe, 0)).rejects.toThrow(message)
  })
})

describe('the jwt auth method', () => {
  const login = (jwts: string[]) => ({
    mount: 'jwt',
    role: 'dragoman',
    jwt: async () => {
      jwts.push('made')
      return secret(`our.jwt.${jwts.length}`)
    },
  })

  it('is logged in to with a JWT of ours, again ahead of the end of the lease, and once for all who wait', async () => {
    server.answer(({ target, headers }) =>
      target === '/v1/auth/jwt/login'
        ? { body: { auth: { client_token: 'hvs.leased', lease_duration: 600 } } }
        : headers['x-vault-token'] === 'hvs.leased'
          ? kv({ key: 'rk_1' })
          : { status: 403 },
    )
    const jwts: string[] = []
    const vault = open(login(jwts))
    await Promise.all([vault.read(stripe, 0), vault.read({ ...stripe, path: 'partners/other' }, 0)])
    expect(jwts).toHaveLength(1)
    expect(server.asked[0]?.json()).toEqual({ role: 'dragoman', jwt: 'our.jwt.1' })
    expect(server.asked[0]?.headers['x-vault-token']).toBeUndefined()
    await vault.read(stripe, 601)
    expect(jwts).toHaveLength(2)
  })

  it('is logged in to once more when a token was revoked', async () => {
    let logins = 0
    server.answer(({ target, headers }) => {
      if (target === '/v1/auth/jwt/login')
        return { body: { auth: { client_token: `hvs.${++logins}`, lease_duration: 3_600 } } }
      return headers['x-vault-token'] === 'hvs.2' ? kv({ key: 'rk_1' }) : { status: 403, body: { errors: ['denied'] } }
    })
    expect((await open(login([])).read(stripe, 0)).reveal()).toBe('rk_1')
    expect(server.asked.map(({ target }) => target)).toEqual([
      '/v1/auth/jwt/login',
      '/v1/secret/data/partners/stripe',
      '/v1/auth/jwt/login',
      '/v1/secret/data/partners/stripe',
    ])
  })

  it('that refuses us is said without the JWT', async () => {
    server.answer({ status: 400, body: { errors: ['role "dragoman" could not be found: our.jwt.1'] } })
    const refused = await open(login([]))
      .read(stripe, 0)
      .catch((thrown: unknown) => thrown)
    expect(String(refused)).toContain('cannot log in at 127.0.0.1')
    expect(String(refused) + warnings.join()).not.toContain('our.jwt')
  })
})
