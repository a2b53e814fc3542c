import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { type OpenIdProvider, startOpenIdProvider } from '../world/openid-provider.ts'
import { clientSecret, clients, dragomanAudience, paths } from '../world/openid-provider-settings.ts'

/** The provider that the other tests stand on does what they take for granted. */

let provider: OpenIdProvider
beforeAll(async () => {
  provider = await startOpenIdProvider()
  return () => provider.stop()
})

const get = (path: string) => fetch(provider.issuer + path, { signal: AbortSignal.timeout(500), redirect: 'manual' })

const introspect = async (token: string): Promise<unknown> => {
  const client = { client_id: clients.dragoman.client_id, client_secret: clientSecret }
  const body = new URLSearchParams({ ...client, token })
  return (await fetch(provider.issuer + paths.introspection, { method: 'POST', body })).json()
}

const kids = async () => {
  const { keys }: { keys: { kid: string }[] } = JSON.parse(await (await get(paths.jwks)).text())
  return keys.map(({ kid }) => kid)
}

describe('the provider of the tests', () => {
  it.each(['RS256', 'ES256'] as const)('signs ID tokens and access tokens with %s', async (algorithm) => {
    const keys = createRemoteJWKSet(new URL(provider.issuer + paths.jwks))
    const people = await jwtVerify(await provider.idToken('alice', algorithm), keys, { issuer: provider.issuer })
    expect(people.protectedHeader.alg).toBe(algorithm)
    expect(people.payload).toMatchObject({ sub: 'alice', email: 'alice@acme.example', email_verified: true })

    const access = { issuer: provider.issuer, audience: dragomanAudience, typ: 'at+jwt' }
    const user = await jwtVerify(await provider.accessToken({ user: 'bob', algorithm }), keys, access)
    expect(user.payload).toMatchObject({ sub: 'bob', scope: 'orders:read' })
    const job = await jwtVerify(await provider.accessToken({ algorithm }), keys, access)
    expect(job.protectedHeader.alg).toBe(algorithm)
    expect(job.payload).toMatchObject({ repository: 'acme/orders', ref: 'refs/heads/main' })
  })

  it('explains opaque tokens until they are revoked, across rotations', async () => {
    const token = await provider.opaqueToken('alice')
    expect(token).not.toContain('.')
    await provider.rotateKeys({ keepOld: true })
    expect(await introspect(token)).toMatchObject({ active: true, sub: 'alice', aud: dragomanAudience })
    await provider.revoke(token)
    expect(await introspect(token)).toEqual({ active: false })
  })

  it('rotates its keys, with and without the old ones', async () => {
    const before = await kids()
    await provider.rotateKeys({ keepOld: true })
    expect(await kids()).toEqual(expect.arrayContaining(before))
    await provider.rotateKeys()
    const after = await kids()
    expect(after.some((kid) => before.includes(kid))).toBe(false)
    expect(after).toContain(decodeProtectedHeader(await provider.idToken('alice')).kid)
  })

  it('fails in each way, lies in each way, and recovers', async () => {
    await provider.outage('503')
    expect((await get(paths.jwks)).status).toBe(503)
    await provider.outage('hang')
    await expect(get(paths.discovery)).rejects.toThrow(/timeout/)
    await provider.outage('refused')
    await expect(get(paths.jwks)).rejects.toThrow('fetch failed')
    await provider.outage('empty')
    expect(await (await get(paths.jwks)).json()).toEqual({ keys: [] })
    await provider.lie('redirect')
    await provider.outage('503', ['/elsewhere'])
    expect((await get(paths.discovery)).headers.get('location')).toBe(provider.impostor + paths.discovery)
    await provider.lie('issuer')
    expect(await (await get(paths.discovery)).json()).toMatchObject({ issuer: provider.impostor })
    await provider.restore()
    expect(await (await get(paths.discovery)).json()).toMatchObject({ issuer: provider.issuer })
    const { issuer } = await provider.requests()
    expect(issuer[`GET ${paths.discovery}`]).toBeGreaterThan(2)
  })
})
