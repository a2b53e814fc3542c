import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/http/app.ts'
import { testAuthority } from '../world/certificates.ts'
import {
  type Asked,
  type AuthzWorld,
  askedBy,
  bearer,
  gatewayOf,
  gatewaySecret,
  type HttpDialectKind,
  httpDialects,
  type Lines,
  openAuthzWorld,
  proof,
} from './authz-world.ts'

/** What hostile clients and careless gateways send, with the exact answer of each dialect. */

let world: AuthzWorld
let token: string
beforeAll(async () => {
  world = await openAuthzWorld([
    ...httpDialects.map((dialect) => gatewayOf(dialect, dialect)),
    ...httpDialects.map((dialect) => gatewayOf(`open-${dialect}`, dialect, { anonymous: 'pass' })),
    gatewayOf('certificates', 'nginx', { certificateFrom: 'nginx', credentialFrom: [{ certificate: true }] }),
    gatewayOf('network', 'nginx', { authenticate: { network: ['10.0.0.5'] } }),
  ])
  token = await world.accessToken()
})
afterAll(() => world.stop())

const invalid = (description: string) =>
  `Bearer realm="dragoman", error="invalid_token", error_description="${description}"`

const refused = async (dialect: HttpDialectKind, asked: Asked, lines: Lines) => {
  const { status, reason, headers } = await world.ask(dialect, asked, lines)
  return { status, reason, challenge: headers['www-authenticate'] }
}

describe.each(httpDialects)('%s refuses', (dialect) => {
  it.each<readonly [string, () => Lines, string, string]>([
    [
      'two Authorization lines',
      () => [...bearer(token), ...bearer('x')],
      'credential.ambiguous',
      'more than one credential was presented',
    ],
    [
      'the same Authorization line twice',
      () => [...bearer(token), ...bearer(token)],
      'credential.ambiguous',
      'more than one credential was presented',
    ],
    [
      'two credentials in one line',
      () => [['authorization', `Bearer ${token},Bearer ${token}`]],
      'credential.ambiguous',
      'more than one credential was presented',
    ],
    [
      'two words',
      () => [['authorization', `Bearer ${token} x`]],
      'credential.malformed',
      'the credential is malformed',
    ],
    ['no token', () => [['authorization', 'Bearer']], 'credential.malformed', 'the credential is malformed'],
    ['a quoted token', () => bearer(`"${token}"`), 'credential.malformed', 'the credential is malformed'],
    [
      'an unsigned token',
      () => bearer(`${token.split('.').slice(0, 2).join('.')}.`),
      'credential.signature_invalid',
      'the credential is not acceptable',
    ],
    [
      'a tampered token',
      () => bearer(`${token.slice(0, -6)}AAAAAA`),
      'credential.signature_invalid',
      'the credential is not acceptable',
    ],
    [
      'a token that is too large',
      () => bearer('a'.repeat(20_000)),
      'credential.too_large',
      'the credential is too large',
    ],
    ['a much larger one', () => bearer('a'.repeat(60_000)), 'credential.too_large', 'the credential is too large'],
  ])('%s', async (_, lines, reason, description) => {
    expect(await refused(dialect, {}, lines())).toEqual({ status: 401, reason, challenge: invalid(description) })
    expect(await refused(dialect, { of: `open-${dialect}` }, lines())).toMatchObject({ status: 401, reason })
  })

  it.each(['Basic YTpi', 'DPoP abc', 'Token abc', 'bearer2 abc'])('%s, which is of another scheme', async (value) => {
    expect(await refused(dialect, {}, [['authorization', value]])).toEqual({
      status: 401,
      reason: 'credential.scheme_unsupported',
      challenge: 'Bearer realm="dragoman"',
    })
  })

  const ambiguous = [
    '/v1/../admin',
    '/v1/%2e%2e/admin',
    '/v1/.%2E/admin',
    '/v1/..;/admin',
    '/v1;x/orders',
    '/v1//orders',
    '//orders',
    '/v1/a%2fb',
    '/v1/a%5cb',
    '/v1/a\\b',
    '/v1/a%00',
    '/v1/a%252e',
    '/v1/a%c0%af',
    '/v1/a%0d%0ax',
    '/v1/a%',
    '/v1/./orders',
    '/v1/..',
  ]

  it('a path with bytes that are not ASCII, which Node does not let through in a target', async () => {
    const how = await refused(dialect, { target: '/v1/é' }, bearer(token))
    if (dialect === 'envoy-http') expect(how.status).toBe(400)
    else expect(how).toEqual({ status: 403, reason: 'request.path_ambiguous', challenge: undefined })
  })

  it.each(ambiguous)('the path %s', async (target) => {
    expect(await refused(dialect, { target }, bearer(token))).toEqual({
      status: 403,
      reason: 'request.path_ambiguous',
      challenge: undefined,
    })
  })

  it.each([
    'a.example, orders.example.com',
    'orders.example.com,a.example',
    'a@orders.example.com',
    'orders.example.com.',
    '.orders.example.com',
    'orders..example.com',
    'orders.example.com:',
    'orders.example.com:x',
    'orders.example.com:443:443',
    'orders.example.com%2e',
    'örders.example.com',
    '[::1',
    'a'.repeat(256),
  ])('the host %s', async (host) => {
    expect(await refused(dialect, { host }, bearer(token))).toEqual({
      status: 403,
      reason: 'request.original_malformed',
      challenge: undefined,
    })
  })

  it.each([
    ['x-original-method', 'DELETE'],
    ['x-forwarded-method', 'DELETE'],
    ['x-original-url', '/admin'],
    ['x-original-url', 'https://other.example.com/v1/orders'],
    ['x-original-uri', '/admin'],
    ['x-rewrite-url', '/admin'],
    ['x-forwarded-uri', '/admin'],
  ])('%s: %s beside the truth', async (name, value) => {
    const { status, reason, challenge } = await refused(dialect, {}, [[name, value], ...bearer(token)])
    const own = askedBy(dialect, {}).lines.some(([line]) => line === name)
    expect({ status, reason, challenge }).toEqual({
      status: 403,
      reason: own ? 'request.original_malformed' : 'request.original_conflict',
      challenge: undefined,
    })
  })

  it.each(['client-cert', 'x-forwarded-client-cert', 'ssl-client-cert', 'client_cert', 'x-forwarded-tls-client-cert'])(
    'a certificate of the client’s own in %s',
    async (name) => {
      expect(await refused(dialect, {}, [[name, 'x'], ...bearer(token)])).toEqual({
        status: 403,
        reason: 'certificate.header_conflict',
        challenge: undefined,
      })
    },
  )

  it('nothing for a copy of its own words, and believes none', async () => {
    const spoofed: Lines = [
      ['X-Dragoman-Subject', 'root'],
      ['X-Dragoman-Client', 'root'],
      ['X-Dragoman-Rule', 'root'],
      ['X-Dragoman-Tenant', 'root'],
      ['X-Dragoman-Txn', 'root'],
      ['X-Dragoman-Token', token],
      ['Txn-Token', token],
      ['X-Request-ID', 'root'],
    ]
    const ada = await world.ask(dialect, {}, [...spoofed, ...bearer(token)])
    expect(ada).toMatchObject({ status: 200, headers: { 'x-dragoman-subject': 'ada', 'x-dragoman-tenant': 'acme' } })
    expect(JSON.stringify([ada.headers, ada.claims])).not.toContain('root')
    const nobody = await world.ask(dialect, { of: `open-${dialect}` }, spoofed)
    expect(nobody).toMatchObject({
      status: 200,
      headers: { authorization: 'Anonymous', 'x-dragoman-subject': 'anonymous', 'x-dragoman-tenant': '-' },
    })
    expect(JSON.stringify(nobody.headers)).not.toContain('root')
    expect(await refused(dialect, {}, spoofed)).toMatchObject({ status: 401, reason: 'credential.missing' })
  })

  it('our own answer as a credential', async () => {
    const { headers } = await world.ask(dialect, {}, bearer(token))
    const again: Lines = [['authorization', String(headers['authorization'])]]
    expect(await refused(dialect, {}, again)).toMatchObject({ status: 401, reason: 'issuer.unknown' })
    expect(await refused(dialect, {}, [['authorization', 'Anonymous']])).toMatchObject({
      status: 401,
      reason: 'credential.scheme_unsupported',
    })
  })
})

describe('what is asked', () => {
  const forwarded = ['apisix', 'forward-auth', 'haproxy', 'nginx'] as const

  const without = async (dialect: HttpDialectKind, name: string, others: Lines = []) => {
    const { method, target, lines } = askedBy(dialect, {})
    const left = lines.filter(([line]) => line !== name)
    const { status, reason } = await world.call(method, target, [...left, ...proof, ...others, ...bearer(token)])
    return { status, reason }
  }

  it.each(
    forwarded.flatMap((dialect) =>
      ['x-forwarded-method', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-uri'].map((name) => ({
        dialect,
        name,
      })),
    ),
  )('of $dialect is refused without $name, with an empty one and with two', async ({ dialect, name }) => {
    const missing = { status: 403, reason: 'request.original_missing' }
    const malformed = { status: 403, reason: 'request.original_malformed' }
    expect(await without(dialect, name)).toEqual(missing)
    expect(await without(dialect, name, [[name, '']])).toEqual(missing)
    const [, value = ''] = askedBy(dialect, {}).lines.find(([line]) => line === name) ?? []
    const twice: Lines = [
      [name, value],
      [name, value],
    ]
    expect(await without(dialect, name, twice)).toEqual(malformed)
    const hidden: Lines = [
      [name, `${value}?`],
      [name, value],
    ]
    expect(await without(dialect, name, hidden)).toEqual(malformed)
  })

  it.each(['x-original-method', 'x-original-url'])(
    'of ingress-nginx is refused without %s, and with two',
    async (name) => {
      expect(await without('ingress-nginx', name)).toEqual({ status: 403, reason: 'request.original_missing' })
      const [, value = ''] = askedBy('ingress-nginx', {}).lines.find(([line]) => line === name) ?? []
      const twice: Lines = [
        [name, `${value}?x=`],
        [name, value],
      ]
      expect(await without('ingress-nginx', name, twice)).toEqual({ status: 403, reason: 'request.original_malformed' })
    },
  )

  it.each([
    '/v1/orders',
    'orders.example.com/v1/orders',
    '//orders.example.com/v1/orders',
    'https:///v1/orders',
    'https://orders.example.com',
    'https://orders.example.com?/v1/orders',
    'https://orders.example.com#/v1/orders',
    'ftp://orders.example.com/v1/orders',
    'https://a:b@orders.example.com/v1/orders',
    'https:orders.example.com/v1/orders',
  ])('of ingress-nginx is no request when its URL is %s', async (url) => {
    const replaced: Lines = [['x-original-url', url]]
    expect(await without('ingress-nginx', 'x-original-url', replaced)).toEqual({
      status: 403,
      reason: 'request.original_malformed',
    })
  })

  it.each(['get', 'GET POST', 'GET,DELETE', 'G@T', 'GET/', 'X'.repeat(40)])(
    'is no request with the method %s',
    async (method) => {
      for (const dialect of forwarded)
        expect(await refused(dialect, { method }, bearer(token))).toMatchObject({
          status: 403,
          reason: 'request.original_malformed',
        })
    },
  )

  it.each(['https,http', 'HTTPS', 'file', 'https:'])('is no request with the scheme %s', async (scheme) => {
    for (const dialect of forwarded)
      expect(await refused(dialect, { scheme }, bearer(token))).toMatchObject({
        status: 403,
        reason: 'request.original_malformed',
      })
    expect(await refused('envoy-http', {}, [['x-forwarded-proto', scheme], ...bearer(token)])).toMatchObject({
      status: 403,
      reason: 'request.original_malformed',
    })
  })

  it('of envoy-http is refused without the path of the client', async () => {
    const lines: Lines = [['host', 'orders.example.com'], ...proof, ...bearer(token)]
    const call = async (target: string) => {
      const { status, reason } = await world.call('GET', target, lines)
      return { status, reason }
    }
    expect(await call('/authz/envoy-http')).toEqual({ status: 403, reason: 'request.original_missing' })
    expect(await call('/authz/envoy-http?/v1/orders')).toEqual({ status: 403, reason: 'request.path_ambiguous' })
    expect(await call('/authz/envoy-http/v1/orders')).toEqual({ status: 200, reason: undefined })
  })

  it('of envoy-http is refused where a URL parser has read it first', async () => {
    const app = createApp(() => world.desk)
    const headers = { 'x-gateway-secret': gatewaySecret, authorization: `Bearer ${token}`, host: 'orders.example.com' }
    const resolved = await app.fetch(new Request('http://a/authz/envoy-http/v1/%2e%2e/v1/orders', { headers }))
    expect(resolved.status).toBe(403)
    expect(world.traces.at(-1)?.outcome).toMatchObject({ reason: 'request.original_missing' })
  })

  it('is answered on every platform where the gateway says it in headers', async () => {
    const app = createApp(() => world.desk)
    const { lines } = askedBy('forward-auth', {})
    const headers = [...lines, ...proof, ...bearer(token)].map(([name, value]): [string, string] => [name, value])
    const answer = await app.fetch(new Request('http://a/authz/forward-auth/anything?x=y', { headers }))
    expect({ status: answer.status, body: await answer.text() }).toEqual({ status: 200, body: '' })
    expect(answer.headers.get('x-dragoman-subject')).toBe('ada')
    const twice = new Headers([...headers, ['authorization', `Bearer ${token}`]])
    const refusal = await app.fetch(new Request('http://a/authz/forward-auth', { headers: twice }))
    expect(refusal.status).toBe(401)
    expect((await app.fetch(new Request('http://a/authz/x/../forward-auth', { headers }))).status).toBe(200)
    expect((await app.fetch(new Request('http://a/authz', { headers }))).status).toBe(403)
  })

  it('chooses nothing by the query or the tail of the endpoint', async () => {
    const { method, lines } = askedBy('nginx', {})
    const call = async (target: string, more: Lines = []) => {
      const { status, reason, trace } = await world.call(method, target, [...lines, ...proof, ...more])
      return { status, reason, client: trace.client }
    }
    const missing = { status: 401, reason: 'credential.missing', client: 'nginx' }
    for (const tail of [
      '?gateway=open-nginx',
      '?anonymous=pass&audience=x&scope=y&dialect=haproxy',
      '/open-nginx',
      '/../open-nginx',
      '/..%2fopen-nginx',
      '/?x=/authz/open-nginx',
    ])
      expect(await call(`/authz/nginx${tail}`)).toEqual(missing)
    const passed = await call('/authz/nginx?audience=https://billing.internal.example', bearer(token))
    expect(passed).toEqual({ status: 200, reason: undefined, client: 'nginx' })
    expect(world.traces.at(-1)?.audience).toEqual(['https://orders.internal.example'])
  })
})

describe('a gateway that is not who it says', () => {
  const constant = { status: 403, reason: 'gateway.unproven' }
  const from = async (name: string, lines: Lines) => {
    const { status, reason } = await world.call('GET', `/authz/${name}`, [
      ...askedBy('nginx', {}).lines,
      ...lines,
      ...bearer(token),
    ])
    return { status, reason }
  }

  it('is not believed by where it says it calls from', async () => {
    expect(await from('network', [])).toEqual(constant)
    expect(await from('network', [['x-forwarded-for', '10.0.0.5']])).toEqual(constant)
    expect(
      await from('network', [
        ['forwarded', 'for=10.0.0.5'],
        ['x-real-ip', '10.0.0.5'],
      ]),
    ).toEqual(constant)
  })

  it('is not another one that it can prove to be', async () => {
    expect(await from('network', proof)).toEqual(constant)
  })

  it('does not prove itself in another way of writing its secret', async () => {
    expect(await from('nginx', [['x_gateway_secret', gatewaySecret]])).toEqual(constant)
    expect(await from('nginx', [['x-gateway-secret', `${gatewaySecret},`]])).toEqual(constant)
    expect(await from('nginx', [['x-gateway-secret', `x, ${gatewaySecret}`]])).toEqual(constant)
  })
})

describe('a certificate that a gateway states', () => {
  const stated = async (lines: Lines) => {
    const { status, reason, headers } = await world.ask('nginx', { of: 'certificates' }, lines)
    return { status, reason, challenge: headers['www-authenticate'] }
  }
  const pem = () => encodeURIComponent(world.certificate.pem)

  it.each<readonly [string, () => Lines, number, string, string | undefined]>([
    [
      'unverified',
      () => [
        ['ssl-client-cert', pem()],
        ['ssl-client-verify', 'FAILED:self signed'],
      ],
      401,
      'certificate.unverified',
      'the client certificate is not acceptable',
    ],
    [
      'without a verdict',
      () => [['ssl-client-cert', pem()]],
      401,
      'certificate.unverified',
      'the client certificate is not acceptable',
    ],
    [
      'twice',
      () => [
        ['ssl-client-cert', pem()],
        ['ssl-client-cert', pem()],
        ['ssl-client-verify', 'SUCCESS'],
      ],
      403,
      'certificate.header_malformed',
      undefined,
    ],
    [
      'in the header of another kind of gateway',
      () => [['client-cert', `:${Buffer.from(world.certificate.der).toString('base64')}:`]],
      403,
      'certificate.header_conflict',
      undefined,
    ],
    ['as none', () => [['ssl-client-verify', 'NONE']], 401, 'credential.missing', undefined],
  ])('%s proves nothing', async (_, lines, status, reason, description) => {
    const missing = reason === 'credential.missing' ? 'Bearer realm="dragoman"' : undefined
    expect(await stated(lines())).toEqual({
      status,
      reason,
      challenge: description === undefined ? missing : invalid(description),
    })
  })

  it('of a stranger leads to nobody whom we trust', async () => {
    const stranger = testAuthority('Strangers').issue({ dns: ['orders.workloads.example'] })
    expect(
      await stated([
        ['ssl-client-cert', encodeURIComponent(stranger.pem)],
        ['ssl-client-verify', 'SUCCESS'],
      ]),
    ).toEqual({
      status: 401,
      reason: 'issuer.unknown',
      challenge: invalid('the credential is not acceptable'),
    })
  })
})
