import { status } from '@grpc/grpc-js'
import { beforeAll, describe, expect, it } from 'vitest'
import { overwriteIfExistsOrAdd } from '../../src/gateways/envoy-grpc-messages.ts'
import {
  asEdge,
  type CheckWorld,
  checkOf,
  claimsIn,
  headersIn,
  openCheckWorld,
  orders,
  rawHeaders,
  responseIn,
  tokenIn,
} from './check-world.ts'

let world: CheckWorld
let bearer: { readonly authorization: string }
beforeAll(async () => {
  world = await openCheckWorld()
  bearer = { authorization: `Bearer ${await world.jwt()}` }
  return () => world.stop()
})

describe('a request that may pass', () => {
  it('gets the token of its route and every identity header, each in place of what was there', async () => {
    const checked = await world.check(checkOf(bearer))
    const { status: verdict, okResponse } = responseIn(checked)
    expect(verdict.code ?? 0).toBe(0)
    expect(new Set(okResponse?.headers.map(({ appendAction }) => appendAction))).toEqual(
      new Set([overwriteIfExistsOrAdd]),
    )
    expect(headersIn(checked)).toEqual({
      authorization: expect.stringMatching(/^Bearer [^.]+\.[^.]+\.[^.]+$/),
      'x-dragoman-subject': 'user:ada',
      'x-dragoman-client': 'edge',
      'x-dragoman-rule': 'people/employees',
      'x-dragoman-tenant': '-',
      'x-dragoman-txn': expect.stringMatching(/./),
    })
    expect(claimsIn(tokenIn(checked))).toMatchObject({ sub: 'user:ada', aud: orders, scope: 'orders:read' })
  })

  it('is told of in dynamic metadata, without the token', async () => {
    const checked = await world.check(checkOf({ authorization: `Bearer ${await world.jwt({ tenant: 'acme ü' })}` }))
    const { fields = {} } = responseIn(checked).dynamicMetadata ?? {}
    expect(Object.fromEntries(Object.entries(fields).map(([name, { stringValue }]) => [name, stringValue]))).toEqual({
      gateway: 'edge',
      route: 'orders',
      map: 'people',
      rule: 'people/employees',
      subject: 'user:ada',
      tenant: 'acme%20%C3%BC',
      txn: headersIn(checked)['x-dragoman-txn'],
      request_id: world.traces.at(-1)?.requestId,
    })
  })

  it('says nothing of who it is where the document does not want it said, and loses the foreign credential', async () => {
    const checked = await world.check(checkOf(bearer), { ...asEdge, 'x-dragoman-gateway': 'quiet' })
    const headers = headersIn(checked)
    expect(claimsIn(headers['x-internal-token'])).toMatchObject({ sub: 'user:ada' })
    expect(headers).toMatchObject({ 'x-dragoman-subject': '-', 'x-dragoman-rule': '-', 'x-dragoman-txn': '-' })
    expect(headers).not.toHaveProperty('authorization')
    const { okResponse, dynamicMetadata } = responseIn(checked)
    expect(okResponse?.headersToRemove).toEqual(expect.arrayContaining(['authorization', 'x_internal_token']))
    expect(JSON.stringify(dynamicMetadata)).not.toContain('ada')
  })

  it('names for removal what the client wrote in our name, and nothing that it sets', async () => {
    const spoofed = {
      'x-dragoman-subject': 'user:root',
      x_dragoman_subject: 'user:root',
      'x-dragoman_role': 'admin',
      'x.dragoman.role': 'admin',
      'x-dragoman-role': 'admin',
      'txn-token': 'forged',
      cookie: 'a=b',
    }
    const checked = await world.check(checkOf({ ...bearer, ...spoofed }))
    const { okResponse } = responseIn(checked)
    const removed = okResponse?.headersToRemove ?? []
    const { 'x-dragoman-subject': set, ...others } = spoofed
    expect(removed).toEqual(expect.arrayContaining([...Object.keys(others), 'txn_token', 'x_dragoman_tenant']))
    expect(removed.filter((name) => name in headersIn(checked))).toEqual([])
    expect(headersIn(checked)['x-dragoman-subject']).toBe('user:ada')
    expect(set).not.toBe(headersIn(checked)['x-dragoman-subject'])
  })

  it('may be nobody’s, on a route that lets such pass', async () => {
    const checked = await world.check(
      checkOf({ 'x-dragoman-subject': 'user:root' }, { http: { host: 'open.example.com' } }),
    )
    expect(headersIn(checked)).toEqual({
      authorization: 'Anonymous',
      'x-dragoman-subject': 'anonymous',
      'x-dragoman-client': 'edge',
      'x-dragoman-rule': '-',
      'x-dragoman-tenant': '-',
      'x-dragoman-txn': '-',
    })
    expect(responseIn(checked).dynamicMetadata?.fields).toMatchObject({ map: { stringValue: '-' } })
  })

  it('may be a preflight for a request that a route speaks for', async () => {
    const asking = { origin: 'https://app.example.com', 'access-control-request-method': 'PUT' }
    const preflight = await world.check(checkOf(asking, { http: { method: 'OPTIONS' } }))
    expect(headersIn(preflight)).toMatchObject({ authorization: 'Anonymous' })
    expect(world.denied(await world.check(checkOf({}, { http: { method: 'OPTIONS' } })))).toMatchObject({ status: 401 })
  })
})

describe('a request that may not pass', () => {
  it('is answered as RFC 6750 says', async () => {
    const nobody = await world.check(checkOf())
    expect(world.denied(nobody)).toEqual({ status: 401, reason: 'credential.missing' })
    expect(responseIn(nobody).status.code).toBe(status.UNAUTHENTICATED)
    expect(headersIn(nobody)).toMatchObject({ 'www-authenticate': 'Bearer realm="dragoman"' })
    const expired = await world.check(
      checkOf({ authorization: `Bearer ${await world.jwt({ exp: world.now() - 3_600, iat: world.now() - 7_200 })}` }),
    )
    expect(world.denied(expired)).toEqual({ status: 401, reason: 'credential.expired' })
    expect(headersIn(expired)).toEqual({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'www-authenticate': expect.stringMatching(/^Bearer realm="dragoman", error="invalid_token"/),
      'x-request-id': world.traces.at(-1)?.requestId,
    })
    expect(JSON.parse(responseIn(expired).deniedResponse?.body ?? '')).toMatchObject({ error: 'invalid_token' })
    const elsewhere = await world.check(checkOf(bearer, { http: { path: '/admin' } }))
    expect(world.denied(elsewhere)).toEqual({ status: 403, reason: 'route.none_matched' })
    expect(responseIn(elsewhere).status.code).toBe(status.PERMISSION_DENIED)
    expect(headersIn(elsewhere)).not.toHaveProperty('www-authenticate')
  })

  it.each([
    ['a path that can be read in two ways', { path: '/v1/../admin' }, 'request.path_ambiguous'],
    ['an encoded slash', { path: '/v1/a%2Fb' }, 'request.path_ambiguous'],
    ['no path', { path: '' }, 'request.original_missing'],
    ['no method', { method: '' }, 'request.original_missing'],
    ['no host', { host: '' }, 'request.original_missing'],
    ['two hosts', { host: 'orders.example.com,open.example.com' }, 'request.original_malformed'],
    ['another scheme', { scheme: 'javascript' }, 'request.original_malformed'],
  ])('has %s', async (_, http, reason) => {
    expect(world.denied(await world.check(checkOf(bearer, { http })))).toEqual({ status: 403, reason })
  })

  it('names itself otherwise in a header that some services believe', async () => {
    const checked = await world.check(checkOf({ ...bearer, 'x-original-url': '/admin' }))
    expect(world.denied(checked)).toEqual({ status: 403, reason: 'request.original_conflict' })
  })

  it('is no HTTP at all', async () => {
    for (const request of [{}, { attributes: {} }, { attributes: { source: { principal: 'spiffe://a/b' } } }])
      expect(world.denied(await world.check(request))).toEqual({ status: 403, reason: 'request.original_missing' })
  })

  it('has more than one credential, merged or one by one', async () => {
    const { authorization } = bearer
    const merged = checkOf({ authorization: `${authorization},${authorization}` })
    const raw = checkOf({}, { http: rawHeaders(['authorization', authorization], ['authorization', authorization]) })
    const both = checkOf(bearer, { http: { headerMap: rawHeaders(['authorization', authorization]).headerMap } })
    for (const request of [merged, raw, both])
      expect(world.denied(await world.check(request))).toEqual({ status: 401, reason: 'credential.ambiguous' })
  })

  it('is one too many', async () => {
    const limited = { ...asEdge, 'x-dragoman-gateway': 'limited' }
    for (const _ of [1, 2]) expect(responseIn(await world.check(checkOf(bearer), limited)).okResponse).toBeDefined()
    const checked = await world.check(checkOf(bearer), limited)
    expect(world.denied(checked)).toEqual({ status: 429, reason: 'rate.exceeded' })
    expect(responseIn(checked).status.code).toBe(status.RESOURCE_EXHAUSTED)
    expect(Number(headersIn(checked)['retry-after'])).toBeGreaterThan(0)
  })

  it('reads raw headers like merged ones', async () => {
    const raw = checkOf({}, { http: rawHeaders(['authorization', bearer.authorization], ['cookie', 'a=b']) })
    expect(claimsIn(tokenIn(await world.check(raw)))).toMatchObject({ sub: 'user:ada' })
  })

  it('has a name of JavaScript for a header', async () => {
    const headers = JSON.parse('{"__proto__": "x", "constructor": "y"}') as Record<string, string>
    expect(world.denied(await world.check(checkOf(headers)))).toMatchObject({ reason: 'credential.missing' })
  })
})
