import fc from 'fast-check'
import * as jose from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Claims } from '../../src/domain/claims.ts'
import {
  basic,
  billing,
  gatewaySecret,
  issuer,
  narrowAuth,
  openTokenWorld,
  orders,
  type TokenWorld,
  tokenType,
  us,
} from './token-world.ts'

/** What an exchange yields when it is granted: RFC 8693 section 2.2.1, RFC 9068 section 2. */

let world: TokenWorld
beforeAll(async () => {
  world = await openTokenWorld()
})
afterAll(() => world.stop())

const jwks = async () => (await (await fetch(`${world.url}/jwks.json`)).json()) as jose.JSONWebKeySet

/** The claims of an issued token, verified as a resource server would verify it. */
const accept = async (token: unknown, audience = orders) => {
  const keys = jose.createLocalJWKSet(await jwks())
  const { payload, protectedHeader } = await jose.jwtVerify(String(token), keys, {
    issuer: us,
    audience,
    typ: 'at+jwt',
    currentDate: new Date(world.now() * 1_000),
  })
  return { payload, protectedHeader }
}

describe('a granted exchange', () => {
  it('answers as RFC 8693 says, and issues a token that a resource server accepts', async () => {
    const answer = await world.exchangeToken(await world.idToken())
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      issued_token_type: tokenType('access_token'),
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'orders:read orders:write billing:read',
    })
    const { payload, protectedHeader } = await accept(answer.body['access_token'])
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) })
    expect(payload).toEqual({
      iss: us,
      sub: 'user:ada',
      aud: orders,
      client_id: 'gateway',
      iat: world.now(),
      nbf: world.now() - 30,
      exp: world.now() + 300,
      jti: expect.any(String),
      txn: expect.any(String),
      scope: 'orders:read orders:write billing:read',
      auth_time: world.now() - 60,
      amr: ['pwd', 'mfa'],
      identity_type: 'user',
      groups: ['employees', 'orders-team'],
      team: 'orders',
      map: 'idp',
      rule: 'employees',
      map_version: expect.stringMatching(/^[0-9a-f]{12}$/),
    })
  })

  it('leaves one trace, with the rule that spoke and no token in it', async () => {
    const token = await world.idToken()
    const answer = await world.exchangeToken(token)
    const trace = world.traces.at(-1)
    expect(trace).toMatchObject({
      client: 'gateway',
      clientMethod: 'client_secret_basic',
      issuer,
      map: 'idp',
      rule: 'employees',
      outcome: { granted: true },
    })
    const text = JSON.stringify(trace)
    for (const part of [...token.split('.'), ...String(answer.body['access_token']).split('.')])
      expect(text).not.toContain(part)
    expect(trace?.withheld).toEqual([{ name: 'email', because: 'sensitivity' }])
  })

  it('issues a fresh token for the same subject token, each with its own jti and txn', async () => {
    const token = await world.idToken()
    const [first, second] = [await world.exchangeToken(token), await world.exchangeToken(token)]
    const [one, two] = [await accept(first.body['access_token']), await accept(second.body['access_token'])]
    expect(one.payload.jti).not.toBe(two.payload.jti)
    expect(one.payload['txn']).not.toBe(two.payload['txn'])
  })

  it.each<readonly [string, Record<string, string>, Record<string, unknown>]>([
    ['the scope asked for', { scope: 'orders:read' }, { scope: 'orders:read' }],
    ['a resource in place of an audience', { audience: '', resource: orders }, {}],
    ['the same target named twice', { resource: orders }, {}],
    ['requested_token_type jwt', { requested_token_type: tokenType('jwt') }, { issued_token_type: tokenType('jwt') }],
    ['a shorter life', { requested_lifetime: '60' }, { expires_in: 60 }],
    ['a longer life, which the rule cuts', { requested_lifetime: '3600' }, { expires_in: 300 }],
    ['unknown parameters', { x: 'y', login_hint: 'z' }, {}],
  ])('honours %s', async (_, changes, expected) => {
    const answer = await world.exchangeToken(await world.idToken(), changes)
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject(expected)
  })

  it('is for several audiences when several were asked and all are allowed', async () => {
    const token = await world.idToken()
    const answer = await world.exchange([
      ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      ['subject_token', token],
      ['subject_token_type', tokenType('id_token')],
      ['audience', orders],
      ['audience', billing],
    ])
    const { payload } = await accept(answer.body['access_token'])
    expect(payload.aud).toEqual([orders, billing])
  })

  it('takes the one audience there is when the caller names none', async () => {
    const answer = await world.exchangeToken(await world.idToken(), { audience: '' })
    expect(answer).toMatchObject({ status: 400, reason: 'target.missing' })
    const { audience: _, ...form } = Object.fromEntries(Object.entries({ audience: '' }))
    const narrow = await world.exchange(
      Object.entries({
        ...form,
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: await world.idToken(),
        subject_token_type: tokenType('id_token'),
      }),
      { authorization: narrowAuth },
    )
    expect(narrow.status).toBe(200)
    const { payload } = await accept(narrow.body['access_token'])
    expect(payload).toMatchObject({ aud: orders, scope: 'orders:read' })
  })

  it('never outlives the subject token', async () => {
    const answer = await world.exchangeToken(await world.idToken({ exp: world.now() + 42 }))
    expect(answer.body['expires_in']).toBe(42)
  })

  it('is refused when nothing is left of the subject token, though it is within the skew', async () => {
    const answer = await world.exchangeToken(await world.idToken({ exp: world.now() - 5 }))
    expect(answer).toMatchObject({ status: 400, reason: 'credential.expired' })
  })

  it('judges the same token anew each time: it expires while it is remembered', async () => {
    const token = await world.idToken({ exp: world.now() + 30 })
    expect((await world.exchangeToken(token)).status).toBe(200)
    const before = world.now()
    world.setTime(before + 91)
    try {
      expect(await world.exchangeToken(token)).toMatchObject({ status: 400, reason: 'credential.expired' })
    } finally {
      world.setTime(before)
    }
  })

  it('is the same whichever way the client authenticates', async () => {
    const token = await world.idToken()
    const viaPost = await world.exchange(
      Object.entries({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: token,
        subject_token_type: tokenType('id_token'),
        audience: orders,
        client_id: 'gateway',
        client_secret: gatewaySecret,
      }),
      { authorization: '' },
    )
    expect(viaPost.status).toBe(200)
    const encoded = await world.exchange(
      Object.entries({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: token,
        subject_token_type: tokenType('id_token'),
        audience: orders,
      }),
      { authorization: basic('%67ateway', gatewaySecret.replace('-', '%2D')) },
    )
    expect(encoded.status).toBe(200)
  })
})

describe('what a deployment says of itself', () => {
  const get = async (path: string) => (await (await fetch(`${world.url}${path}`)).json()) as Record<string, unknown>

  it('publishes RFC 8414 metadata that says only what is true', async () => {
    expect(await get('/.well-known/oauth-authorization-server')).toEqual({
      issuer: us,
      token_endpoint: `${us}/token`,
      introspection_endpoint: `${us}/introspect`,
      introspection_endpoint_auth_methods_supported: [
        'client_secret_basic',
        'client_secret_post',
        'private_key_jwt',
        'spiffe_jwt',
      ],
      introspection_endpoint_auth_signing_alg_values_supported: ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'],
      jwks_uri: `${us}/jwks.json`,
      grant_types_supported: ['urn:ietf:params:oauth:grant-type:token-exchange'],
      token_endpoint_auth_methods_supported: [
        'client_secret_basic',
        'client_secret_post',
        'private_key_jwt',
        'spiffe_jwt',
      ],
      token_endpoint_auth_signing_alg_values_supported: ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'],
    })
  })

  it('publishes what OpenID clients look for', async () => {
    expect(await get('/.well-known/openid-configuration')).toMatchObject({
      issuer: us,
      jwks_uri: `${us}/jwks.json`,
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    })
  })

  it('publishes public keys only, with a lifetime', async () => {
    const response = await fetch(`${world.url}/jwks.json`)
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
    const { keys } = (await response.json()) as jose.JSONWebKeySet
    expect(keys.map((key) => Object.keys(key).toSorted())).toEqual([['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']])
  })

  it('answers unknown paths with 404', async () => {
    expect((await fetch(`${world.url}/admin`)).status).toBe(404)
    expect((await fetch(`${world.url}/readyz`)).status).toBe(404)
  })
})

describe('property: altering claims never widens a grant', () => {
  const full = { audience: [orders, billing], scope: ['orders:read', 'orders:write', 'billing:read'] }
  const json = fc.oneof(
    fc.constantFrom('employees', 'contractors', us, issuer, 'root', 'mfa'),
    fc.jsonValue({ maxDepth: 2 }),
  )
  const alterations = fc.dictionary(
    fc.constantFrom(
      'sub',
      'aud',
      'groups',
      'amr',
      'email',
      'team',
      'scope',
      'azp',
      'act',
      'cnf',
      'may_act',
      'blocked',
      'exp',
      'jti',
      'aud2',
      'client_id',
      'map',
      'iss',
    ),
    json,
    { maxKeys: 6 },
  )

  it('whatever the issuer says, rule and client bound what comes out', async () => {
    await fc.assert(
      fc.asyncProperty(alterations, async (changes) => {
        const answer = await world.exchangeToken(await world.idToken(changes as Claims), { audience: orders })
        if (answer.status !== 200) {
          expect(answer.status).toBe(400)
          return
        }
        const { payload } = await accept(answer.body['access_token'])
        expect([payload.aud].flat().every((aud) => full.audience.includes(String(aud)))).toBe(true)
        expect(
          String(payload['scope'])
            .split(' ')
            .every((scope) => full.scope.includes(scope)),
        ).toBe(true)
        expect(Number(payload.exp) - world.now()).toBeLessThanOrEqual(300)
        expect(payload).toMatchObject({ iss: us, client_id: 'gateway', map: 'idp', rule: 'employees' })
        expect(payload.sub?.startsWith('user:')).toBe(true)
        expect(payload).not.toHaveProperty('act')
        expect(payload).not.toHaveProperty('email')
      }),
      { numRuns: 200 },
    )
  })
})
