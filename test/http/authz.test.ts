import { createPublicKey, verify } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditEvent } from '../../src/formats/audit-event.ts'
import { publishedKeys } from '../../src/http/metadata.ts'
import {
  type Answer,
  type AuthzWorld,
  askedBy,
  bearer,
  billing,
  document,
  gatewayOf,
  httpDialects,
  openAuthzWorld,
  orders,
  proof,
  us,
} from './authz-world.ts'

/** What gateways hear, over real HTTP: who may pass, as whom, with a token for the one service behind the route. */

let world: AuthzWorld
beforeAll(async () => {
  world = await openAuthzWorld([
    ...httpDialects.map((dialect) => gatewayOf(dialect, dialect)),
    gatewayOf('quiet', 'forward-auth', { respond: { identity: false } }),
    gatewayOf('own-header', 'forward-auth', { respond: { header: 'X-Dragoman-Token' } }),
    gatewayOf('cookies', 'envoy-http', { respond: { removeHeaders: ['Cookie', 'Authorization'] } }),
    gatewayOf('browsers', 'forward-auth', { preflight: 'pass' }),
    gatewayOf('open', 'forward-auth', { anonymous: 'pass' }),
    gatewayOf('few-sources', 'forward-auth', { sources: ['workloads'] }),
    gatewayOf('places', 'forward-auth', {
      credentialFrom: [
        { header: 'cf-access-jwt-assertion', type: 'jwt' },
        { header: 'authorization', scheme: 'Bearer', type: 'access_token' },
        { header: 'authorization', scheme: 'ID', type: 'id_token' },
      ],
    }),
    gatewayOf('certificates', 'nginx', {
      certificateFrom: 'rfc9440',
      credentialFrom: [{ certificate: true }, { header: 'authorization', scheme: 'Bearer', type: 'access_token' }],
    }),
    gatewayOf('uniform', 'ingress-nginx', { routes: [{ name: 'all', audience: orders, scopes: ['orders:read'] }] }),
    gatewayOf('one-host', 'ingress-nginx', {
      routes: [{ name: 'a', hosts: ['orders.example.com'], audience: orders }],
    }),
    gatewayOf('never-again', 'ingress-nginx', {
      routes: [{ name: 'all', audience: orders, scopes: ['orders:read'] }],
      reuse: 0,
    }),
    document('Gateway', 'states-only', { authenticate: { network: ['10.0.0.5'] }, certificateFrom: 'rfc9440' }),
  ])
})
afterAll(() => world.stop())

const requestId = expect.stringMatching(/^[0-9a-f-]{36}$/)
const connection = { connection: 'close', date: expect.any(String), 'content-length': expect.any(String) }

/** The headers of `answer` but those of the connection. */
const told = ({ headers }: Answer) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !Object.hasOwn(connection, name)))

const isOurs = (token: string): boolean => {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const [jwk] = publishedKeys(world.desk).keys
  if (jwk === undefined) return false
  const key = { key: createPublicKey({ key: { ...jwk }, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const
  return verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))
}

describe('a gateway asks', () => {
  it.each(httpDialects)('%s: may this request pass? As ada, with a token for orders', async (dialect) => {
    const answer = await world.ask(dialect, {}, bearer(await world.accessToken()))
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: '' })
    expect(told(answer)).toEqual({
      authorization: expect.stringMatching(/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/),
      'x-dragoman-subject': 'ada',
      'x-dragoman-client': dialect,
      'x-dragoman-rule': 'people/employees',
      'x-dragoman-tenant': 'acme',
      'x-dragoman-txn': answer.claims['txn'],
      'x-request-id': answer.trace.requestId,
      'cache-control': 'no-store',
      ...(dialect === 'envoy-http'
        ? {
            'x-envoy-auth-headers-to-remove': expect.stringMatching(/^txn-token,x-dragoman-token,/),
          }
        : {}),
    })
    expect(isOurs(String(answer.headers['authorization']).replace('Bearer ', ''))).toBe(true)
    expect(answer.claims).toMatchObject({
      iss: us,
      sub: 'ada',
      aud: orders,
      client_id: dialect,
      scope: 'orders:read',
      tenant: 'acme',
    })
    expect(answer.claims).not.toHaveProperty('email')
  })

  it.each(httpDialects)('%s: the query of the client is nothing to it', async (dialect) => {
    const asked = { target: '/v1/orders?audience=x&scope=y&gateway=z&x=%2e%2e/..//' }
    const { status, claims } = await world.ask(dialect, asked, bearer(await world.accessToken()))
    expect({ status, aud: claims['aud'], scope: claims['scope'] }).toEqual({
      status: 200,
      aud: orders,
      scope: 'orders:read',
    })
  })

  it('may ask about a WebSocket handshake', async () => {
    const handshake = [
      ['connection', 'upgrade'],
      ['upgrade', 'websocket'],
      ['sec-websocket-version', '13'],
    ] as const
    const asked = { scheme: 'wss' }
    expect(await world.ask('forward-auth', asked, [...handshake, ...bearer(await world.accessToken())])).toMatchObject({
      status: 200,
      headers: { 'x-dragoman-subject': 'ada' },
    })
  })

  it('writes an audit event with the route and without the path', async () => {
    const { trace } = await world.ask('nginx', { target: '/v1/ada' }, bearer(await world.accessToken()))
    expect(trace).toMatchObject({
      client: 'nginx',
      clientMethod: 'gateway',
      ingress: { method: 'GET', host: 'orders.example.com', route: 'read-orders' },
      map: 'people',
      rule: 'employees',
      audience: [orders],
      outcome: { granted: true },
    })
    const event = auditEvent(trace, world.now())
    expect(event).toMatchObject({
      decision: 'granted',
      client: 'nginx',
      ingress: { method: 'GET', host: 'orders.example.com', route: 'read-orders' },
    })
    expect(JSON.stringify(event)).not.toContain('/v1/ada')
  })
})

describe('a route', () => {
  const asked = async (request: Parameters<AuthzWorld['ask']>[1]) => {
    const answer = await world.ask('forward-auth', request, bearer(await world.accessToken()))
    return { status: answer.status, aud: answer.claims['aud'], scope: answer.claims['scope'], reason: answer.reason }
  }
  const refused = { status: 403, reason: 'route.none_matched' }

  it.each([
    [{}, { status: 200, aud: orders, scope: 'orders:read' }],
    [{ method: 'DELETE' }, { status: 200, aud: orders, scope: 'orders:write' }],
    [{ method: 'PUT' }, refused],
    [{ method: 'HEAD' }, refused],
    [{ host: 'ORDERS.Example.com:443' }, { status: 200, aud: orders, scope: 'orders:read' }],
    [{ host: 'orders.example.com.evil.example' }, refused],
    [{ host: 'evil-orders.example.com' }, refused],
    [{ target: '/v1' }, refused],
    [{ target: '/v2/orders' }, refused],
    [{ target: '/%76%31/orders' }, { status: 200, aud: orders, scope: 'orders:read' }],
    [
      { host: 'billing.example.com', target: '/any/thing' },
      { status: 200, aud: billing },
    ],
    [{ host: 'eu.billing.example.com:8443' }, { status: 200, aud: billing }],
    [{ host: 'eu.billing.example.com' }, refused],
    [{ host: 'eu.billing.example.com:443' }, refused],
    [{ scheme: 'wss' }, { status: 200, aud: orders, scope: 'orders:read' }],
  ])('%j: %j', async (request, expected) => {
    expect(await asked(request)).toEqual({ aud: undefined, scope: undefined, reason: undefined, ...expected })
  })

  it('gives no more than the rule allows', async () => {
    const answer = await world.ask(
      'forward-auth',
      { method: 'POST' },
      bearer(await world.accessToken({ groups: ['readers'] })),
    )
    expect({ status: answer.status, reason: answer.reason }).toEqual({ status: 403, reason: 'scope.not_allowed' })
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer realm="dragoman", error="insufficient_scope", error_description="the request needs more than the credential allows"',
    )
    const other = await world.ask(
      'forward-auth',
      { host: 'billing.example.com' },
      bearer(await world.accessToken({ groups: ['readers'] })),
    )
    expect({ status: other.status, reason: other.reason }).toEqual({ status: 403, reason: 'target.not_allowed' })
    expect(other.headers).not.toHaveProperty('www-authenticate')
  })
})

describe('what a service is told', () => {
  it('is nothing that the rule does not release', async () => {
    const { headers } = await world.ask('nginx', {}, bearer(await world.accessToken({ groups: ['readers'] })))
    expect(headers).toMatchObject({ 'x-dragoman-rule': 'people/readers', 'x-dragoman-tenant': '-' })
  })

  it.each([
    ['Ada Løvelace', 'Ada%20L%C3%B8velace'],
    ['50%', '50%25'],
    ['a,b;c="d"', 'a%2Cb%3Bc=%22d%22'],
    ["o'ada", 'o%27ada'],
    ['anonymous', '%61nonymous'],
    ['-', '%2D'],
    ['𝒜', '%F0%9D%92%9C'],
  ])('%s is written %s', async (sub, shown) => {
    const { headers } = await world.ask('nginx', {}, bearer(await world.accessToken({ sub, tenant: sub })))
    expect(headers).toMatchObject({ 'x-dragoman-subject': shown, 'x-dragoman-tenant': shown })
  })

  it('is the token alone where no identity is wanted, but every header is there', async () => {
    const { headers } = await world.ask('forward-auth', { of: 'quiet' }, bearer(await world.accessToken()))
    expect(headers).toMatchObject({
      authorization: expect.stringMatching(/^Bearer /),
      'x-dragoman-subject': '-',
      'x-dragoman-client': 'quiet',
      'x-dragoman-rule': '-',
      'x-dragoman-tenant': '-',
      'x-dragoman-txn': '-',
    })
  })

  it('stands in the header that the document names', async () => {
    const { headers } = await world.ask('forward-auth', { of: 'own-header' }, bearer(await world.accessToken()))
    expect(headers['x-dragoman-token']).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(headers).not.toHaveProperty('authorization')
  })

  it('stands in place of what the document names for removal, but what is set stays', async () => {
    const { headers } = await world.ask('envoy-http', { of: 'cookies' }, bearer(await world.accessToken()))
    const removed = String(headers['x-envoy-auth-headers-to-remove']).split(',')
    expect(removed).toContain('cookie')
    expect(removed).not.toContain('authorization')
  })
})

describe('a request without a credential', () => {
  const nobody = {
    authorization: 'Anonymous',
    'x-dragoman-subject': 'anonymous',
    'x-dragoman-rule': '-',
    'x-dragoman-tenant': '-',
    'x-dragoman-txn': '-',
  }

  it.each(httpDialects)('%s: is asked for one', async (dialect) => {
    const answer = await world.ask(dialect, {})
    expect({ status: answer.status, reason: answer.reason }).toEqual({ status: 401, reason: 'credential.missing' })
    expect(told(answer)).toEqual({
      'content-type': 'application/json',
      'www-authenticate': 'Bearer realm="dragoman"',
      'x-request-id': requestId,
      'cache-control': 'no-store',
    })
    expect(answer.body).toBe(
      dialect === 'haproxy'
        ? ''
        : `{"error":"invalid_request","error_description":"a credential is required","request_id":"${answer.trace.requestId}"}`,
    )
  })

  it('passes as nobody where the route or the gateway lets it', async () => {
    const { status, headers, trace } = await world.ask('forward-auth', { target: '/' })
    expect({ status, headers }).toMatchObject({
      status: 200,
      headers: { ...nobody, 'x-dragoman-client': 'forward-auth' },
    })
    expect(trace.ingress).toMatchObject({ route: 'orders-front', passed: 'anonymous' })
    expect(await world.ask('forward-auth', { of: 'open' })).toMatchObject({ status: 200, headers: nobody })
  })

  it('is not one with a credential that does not do', async () => {
    const expired = bearer(await world.accessToken({ exp: world.now() - 120 }))
    expect(await world.ask('forward-auth', { of: 'open' }, expired)).toMatchObject({
      status: 401,
      reason: 'credential.expired',
    })
    expect(await world.ask('forward-auth', { of: 'open' }, [['authorization', 'Basic YTpi']])).toMatchObject({
      status: 401,
      reason: 'credential.scheme_unsupported',
      headers: { 'www-authenticate': 'Bearer realm="dragoman"' },
    })
  })

  it('passes as a preflight where the gateway lets it, for what a route speaks for', async () => {
    const preflight = (method: string) =>
      [
        ['origin', 'https://shop.example.com'],
        ['access-control-request-method', method],
      ] as const
    const asked = { of: 'browsers', method: 'OPTIONS' }
    const passed = await world.ask('forward-auth', asked, preflight('POST'))
    expect(passed).toMatchObject({ status: 200, headers: { ...nobody, 'x-dragoman-client': 'browsers' } })
    expect(passed.trace.ingress).toEqual({
      method: 'OPTIONS',
      host: 'orders.example.com',
      route: 'write-orders',
      passed: 'preflight',
    })
    const none = { status: 403, reason: 'route.none_matched' }
    expect(await world.ask('forward-auth', asked, preflight('PUT'))).toMatchObject(none)
    expect(await world.ask('forward-auth', { ...asked, method: 'GET' }, preflight('POST'))).toMatchObject({
      status: 401,
      reason: 'credential.missing',
    })
    expect(await world.ask('forward-auth', asked, preflight('POST').slice(0, 1))).toMatchObject(none)
    expect(await world.ask('forward-auth', asked, preflight('POST, GET'))).toMatchObject({
      status: 403,
      reason: 'request.original_malformed',
    })
    expect(await world.ask('forward-auth', { method: 'OPTIONS' }, preflight('POST'))).toMatchObject(none)
    expect(await world.ask('forward-auth', asked, [...preflight('POST'), ['client-cert', ':AA==:']])).toMatchObject({
      status: 403,
      reason: 'certificate.header_conflict',
    })
  })
})

describe('a credential', () => {
  it('is the first that is there', async () => {
    const token = await world.accessToken()
    const access = ['cf-access-jwt-assertion', await world.accessToken({ sub: 'grace' })] as const
    const both = await world.ask('forward-auth', { of: 'places' }, [...bearer(token), access])
    expect(both.headers['x-dragoman-subject']).toBe('grace')
    expect((await world.ask('forward-auth', { of: 'places' }, bearer(token))).headers['x-dragoman-subject']).toBe('ada')
    const broken = ['cf-access-jwt-assertion', 'x'] as const
    expect(await world.ask('forward-auth', { of: 'places' }, [...bearer(token), broken])).toMatchObject({
      status: 401,
      reason: 'credential.malformed',
    })
    const idToken = await world.issuerKey.sign({
      iss: 'https://idp.example.com',
      sub: 'alan',
      aud: us,
      iat: world.now(),
      exp: world.now() + 60,
      nonce: 'n',
      groups: ['employees'],
    })
    const byScheme = await world.ask('forward-auth', { of: 'places' }, [['authorization', `id ${idToken}`]])
    expect(byScheme.headers['x-dragoman-subject']).toBe('alan')
  })

  it.each([
    ['expired', { exp: 1 }, 401, 'credential.expired', 'the credential has expired'],
    [
      'for another',
      { aud: 'https://other' },
      401,
      'credential.audience_mismatch',
      'the credential is not meant for this service',
    ],
    ['of a stranger', { iss: 'https://evil.example' }, 401, 'issuer.unknown', 'the credential is not acceptable'],
    ['without a rule', { groups: [] }, 403, 'rule.none_matched', undefined],
  ] as const)('%s is refused', async (_, changes, status, reason, description) => {
    const answer = await world.ask('nginx', {}, bearer(await world.accessToken(changes)))
    expect({ status: answer.status, reason: answer.reason }).toEqual({ status, reason })
    expect(answer.headers['www-authenticate']).toBe(
      description && `Bearer realm="dragoman", error="invalid_token", error_description="${description}"`,
    )
    expect(JSON.parse(answer.body)).toEqual({
      error: status === 401 ? 'invalid_token' : 'access_denied',
      error_description: description ?? 'policy does not allow this request',
      request_id: answer.trace.requestId,
    })
  })

  it('is refused when its source is none of the gateway', async () => {
    expect(await world.ask('forward-auth', { of: 'few-sources' }, bearer(await world.accessToken()))).toMatchObject({
      status: 401,
      reason: 'source.not_allowed',
    })
  })

  it('may be the client certificate that the gateway states', async () => {
    const stated = ['client-cert', `:${Buffer.from(world.certificate.der).toString('base64')}:`] as const
    const answer = await world.ask('nginx', { of: 'certificates' }, [stated])
    expect(answer).toMatchObject({ status: 200, headers: { 'x-dragoman-subject': 'workload:orders' } })
    const none = await world.ask('nginx', { of: 'certificates' }, bearer(await world.accessToken()))
    expect(none.headers['x-dragoman-subject']).toBe('ada')
  })

  it('that is bound to a certificate needs it', async () => {
    const x5t = { 'x5t#S256': Buffer.from(await world.desk.ports.digest.hash('SHA-256', world.certificate.der)) }
    const bound = await world.accessToken({ cnf: { 'x5t#S256': x5t['x5t#S256'].toString('base64url') } })
    expect(await world.ask('nginx', {}, bearer(bound))).toMatchObject({
      status: 401,
      reason: 'credential.confirmation_required',
    })
  })
})

describe('an outage', () => {
  it.each(httpDialects)('%s: lets nothing pass, in words that the gateway knows', async (dialect) => {
    const answer = await world.ask(dialect, {}, bearer(await world.accessToken({ iss: 'https://away.example.com' })))
    expect({ status: answer.status, reason: answer.reason }).toEqual({
      status: dialect === 'envoy-http' ? 503 : 403,
      reason: 'keys.unavailable',
    })
    expect(answer.headers).not.toHaveProperty('www-authenticate')
  })

  it('of the audit log is one', async () => {
    const broken = await openAuthzWorld([gatewayOf('nginx', 'nginx')])
    const audit = {
      record: () => {
        throw new Error('disk full')
      },
    }
    Object.assign(broken.desk.ports, { audit })
    const how = askedBy('nginx', {})
    const response = await fetch(`${broken.url}${how.target}`, {
      headers: Object.fromEntries([...how.lines, ...proof, ...bearer(await broken.accessToken())].slice(1)),
    })
    expect(response.status).toBe(403)
    expect(response.headers.get('authorization')).toBeNull()
    expect(await response.json()).toMatchObject({ error: 'temporarily_unavailable' })
    await broken.stop()
  })
})

describe('an answer', () => {
  it('may be kept by a gateway that keeps answers, where nothing but the credential decides', async () => {
    const token = bearer(await world.accessToken())
    const kept = async (of: string, lines = token) =>
      (await world.ask('ingress-nginx', { of }, lines)).headers['cache-control']
    expect(await kept('uniform')).toMatch(/^max-age=1(49|50)$/)
    expect(await kept('uniform', [])).toBe('no-store')
    expect(await kept('never-again')).toBe('no-store')
    expect(await kept('one-host')).toBe('no-store')
    expect(await kept('ingress-nginx')).toBe('no-store')
  })
})

describe('who has not proven to be the gateway', () => {
  const denied = (answer: Answer) => ({
    status: answer.status,
    headers: told(answer),
    body: answer.body.replace(answer.trace.requestId, 'ID'),
    reason: answer.reason,
  })
  const constant = {
    status: 403,
    headers: { 'content-type': 'application/json', 'x-request-id': requestId, 'cache-control': 'no-store' },
    body: '{"error":"access_denied","error_description":"access is denied","request_id":"ID"}',
  }

  it('hears the same whatever was wrong', async () => {
    const { lines } = askedBy('nginx', {})
    const good = [...lines, ...bearer(await world.accessToken())]
    const asked = async (target: string, more: typeof proof) =>
      denied(await world.call('GET', target, [...good, ...more]))
    expect(await asked('/authz/nginx', [])).toEqual({ ...constant, reason: 'gateway.unproven' })
    expect(await asked('/authz/nginx', [['x-gateway-secret', 'guess']])).toEqual({
      ...constant,
      reason: 'gateway.unproven',
    })
    expect(await asked('/authz/nginx', [...proof, ...proof])).toEqual({ ...constant, reason: 'gateway.unproven' })
    for (const target of [
      '/authz/other',
      '/authz/',
      '/authz/NGINX',
      '/authz/states-only',
      '/authz/a%2fnginx',
      '/authz//nginx',
    ])
      expect(await asked(target, proof)).toEqual({ ...constant, reason: 'gateway.unknown' })
  })

  it('is not told what a certificate in a header would have done', async () => {
    const { lines } = askedBy('nginx', {})
    expect(denied(await world.call('GET', '/authz/certificates', [...lines, ['client-cert', ':AA==:']]))).toEqual({
      ...constant,
      reason: 'gateway.unproven',
    })
  })
})
