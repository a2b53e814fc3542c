import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Asked,
  type AuthzWorld,
  bearer,
  gatewayOf,
  type HttpDialectKind,
  httpDialects,
  type Lines,
  openAuthzWorld,
  orders,
} from './authz-world.ts'

/** Headers by which a client would have the service act on another request, or in another name, than was decided. */

let world: AuthzWorld
let token: string
beforeAll(async () => {
  world = await openAuthzWorld([
    ...httpDialects.map((dialect) => gatewayOf(dialect, dialect)),
    ...httpDialects.map((dialect) =>
      gatewayOf(`own-${dialect}`, dialect, { respond: { header: 'X-Dragoman-Token' }, anonymous: 'pass' }),
    ),
  ])
  token = await world.accessToken()
})
afterAll(() => world.stop())

const asked = async (dialect: HttpDialectKind, lines: Lines, request: Asked = {}) => {
  const { status, reason } = await world.ask(dialect, request, [...lines, ...bearer(token)])
  return { status, reason }
}

const passes = { status: 200, reason: undefined }
const conflict = { status: 403, reason: 'request.original_conflict' }
const spoofed = { status: 403, reason: 'request.header_spoofed' }

const underscored = (name: string) => name.replaceAll('-', '_')
const mixed = (name: string) => name.replace(/-(?=[^-]*$)/, '_')

const methods = [
  'x-original-method',
  'x-forwarded-method',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
]
const targets = ['x-original-url', 'x-original-uri', 'x-rewrite-url', 'x-forwarded-uri']
const hosts = ['x-forwarded-host', 'x-original-host']
const others: Lines = [
  ...methods.map((name) => [name, 'DELETE'] as const),
  ...targets.map((name) => [name, '/admin'] as const),
  ...hosts.map((name) => [name, 'billing.example.com'] as const),
]
const truths: Lines = [
  ...methods.map((name) => [name, 'GET'] as const),
  ...targets.map((name) => [name, '/v1/orders'] as const),
  ...hosts.map((name) => [name, 'Orders.Example.com'] as const),
]

/** The dialect itself has this header: another of the same name would make two of it. */
const states = (dialect: HttpDialectKind, name: string): boolean => {
  if (dialect === 'envoy-http') return false
  return dialect === 'ingress-nginx'
    ? ['x-original-method', 'x-original-url'].includes(name)
    : ['x-forwarded-method', 'x-forwarded-host', 'x-forwarded-uri'].includes(name)
}

describe.each(httpDialects)('%s', (dialect) => {
  it.each(others)('refuses %s: %s, however its name is spelt', async (name, value) => {
    for (const spelling of [name, underscored(name), mixed(name)])
      if (!states(dialect, spelling))
        expect({ spelling, ...(await asked(dialect, [[spelling, value]])) }).toEqual({ spelling, ...conflict })
  })

  it.each(truths)('takes %s: %s, which is the truth', async (name, value) => {
    for (const spelling of [name, underscored(name)])
      if (!states(dialect, spelling)) expect(await asked(dialect, [[spelling, value]])).toEqual(passes)
  })

  it.each([
    ['for=192.0.2.1;host=orders.example.com;proto=https', passes],
    ['for=192.0.2.1, host="orders.example.com"', passes],
    ['for=192.0.2.1', passes],
    ['host=billing.example.com', conflict],
    ['host=orders.example.com, for=x;Host = billing.example.com', conflict],
    ['for="a\\";host=billing.example.com', conflict],
    ['host=""', conflict],
  ] as const)('Forwarded: %s', async (value, expected) => {
    expect(await asked(dialect, [['forwarded', value]])).toEqual(expected)
  })

  it('believes an override of the method in a preflight no more', async () => {
    const preflight: Lines = [
      ['origin', 'https://shop.example.com'],
      ['access-control-request-method', 'GET'],
      ['x-http-method-override', 'DELETE'],
    ]
    expect(await asked(dialect, preflight, { method: 'OPTIONS' })).toEqual(conflict)
  })

  const own = ['subject', 'client', 'rule', 'tenant', 'txn'].map((word) => `x-dragoman-${word}`)
  const spellings = (name: string) => [underscored(name), mixed(name), name.replace('-', '_')]

  it('hears our name from no client, however it is spelt', async () => {
    const removes = dialect === 'envoy-http'
    for (const name of own.flatMap(spellings))
      expect({ name, ...(await asked(dialect, [[name, 'root']])) }).toEqual({ name, ...(removes ? passes : spoofed) })
    for (const name of spellings('x-dragoman-token')) {
      expect(await asked(dialect, [[name, 'root']], { of: `own-${dialect}` })).toEqual(removes ? passes : spoofed)
      const nobody = await world.ask(dialect, { of: `own-${dialect}` }, [[name, 'root']])
      expect(nobody.status).toBe(removes ? 200 : 403)
    }
    for (const name of own) expect(await asked(dialect, [[name, 'root']])).toEqual(passes)
  })

  it('hears what comes after a thousand other lines', async () => {
    const fillers: Lines = Array.from({ length: 1_500 }, () => ['a', ''] as const)
    expect(await asked(dialect, [...fillers, ['x-rewrite-url', '/admin']])).toEqual(conflict)
    expect(await asked(dialect, [...bearer('x'), ...fillers])).toEqual({ status: 401, reason: 'credential.ambiguous' })
    expect(await asked(dialect, fillers)).toEqual(passes)
  })

  it.each(['orders.example.com:0', 'orders.example.com:08443', 'orders.example.com:65536', 'orders.example.com:99999'])(
    'knows no host %s',
    async (host) => {
      expect(await asked(dialect, [], { host })).toEqual({ status: 403, reason: 'request.original_malformed' })
    },
  )

  it('knows ports up to the last', async () => {
    expect(await asked(dialect, [], { host: 'orders.example.com:65535' })).toEqual(passes)
    expect(
      await asked(dialect, [['x-original-host', 'orders.example.com']], { host: 'orders.example.com:8443' }),
    ).toEqual(passes)
  })

  it.each(['/v1/a%3fb', '/v1/a%23b', '/v1/a.', '/v1/a./b', '/v1/a%20', '/v1/a%20/b', '/v1/...'])(
    'refuses the path %s',
    async (target) => {
      expect(await asked(dialect, [], { target })).toEqual({ status: 403, reason: 'request.path_ambiguous' })
    },
  )
})

describe('a gateway that can be told to remove headers', () => {
  it('is told of every name that some service reads like ours, or like the request', async () => {
    const { headers } = await world.ask('envoy-http', { of: 'own-envoy-http' }, bearer(token))
    const removed = String(headers['x-envoy-auth-headers-to-remove']).split(',')
    const own = ['subject', 'client', 'rule', 'tenant', 'txn', 'token'].flatMap((word) => [
      `x_dragoman_${word}`,
      `x-dragoman_${word}`,
      `x_dragoman-${word}`,
    ])
    const rivals = [...methods, ...targets, ...hosts].flatMap((name) => [name, underscored(name), mixed(name)])
    const credential = ['authorization', 'txn-token', 'txn_token']
    expect(removed).toEqual(expect.arrayContaining([...own, ...rivals, ...credential, 'forwarded']))
    expect(removed.filter((name) => Object.hasOwn(headers, name))).toEqual([])
    expect(new Set(removed).size).toBe(removed.length)
  })
})

describe('an answer that a gateway keeps', () => {
  const all = { routes: [{ name: 'all', audience: orders, scopes: ['orders:read'] }] }
  const header = (name: string) => ({ header: name, type: 'jwt' })
  const rate = { requests: 1_000, per: '1s' }

  it.each<readonly [string, object, object]>([
    ['a certificate may be stated', { certificateFrom: 'rfc9440' }, {}],
    ['the gateway is counted', { rateLimit: { gateway: rate } }, {}],
    ['the subject is counted', { rateLimit: { subject: rate } }, {}],
    ['there is a second place', { credentialFrom: [header('x-first'), header('authorization')] }, {}],
  ])('is none where %s', async (_, more) => {
    const kept = await openAuthzWorld([
      gatewayOf('kept', 'ingress-nginx', { ...all, ...more }),
      gatewayOf('uniform', 'ingress-nginx', all),
    ])
    const credential = bearer(await kept.accessToken())
    const lines = 'credentialFrom' in more ? [['x-first', await kept.accessToken()] as const] : credential
    const answer = await kept.ask('ingress-nginx', { of: 'kept' }, lines)
    expect({ status: answer.status, kept: answer.headers['cache-control'] }).toEqual({ status: 200, kept: 'no-store' })
    const uniform = await kept.ask('ingress-nginx', { of: 'uniform' }, credential)
    expect(uniform.headers['cache-control']).toMatch(/^max-age=1/)
    const x5t = Buffer.from(await kept.desk.ports.digest.hash('SHA-256', kept.certificate.der)).toString('base64url')
    const bound = bearer(await kept.accessToken({ cnf: { 'x5t#S256': x5t } }))
    const stated = ['client-cert', `:${Buffer.from(kept.certificate.der).toString('base64')}:`] as const
    const ofBound = await kept.ask('ingress-nginx', { of: 'uniform' }, bound)
    expect(ofBound).toMatchObject({ reason: 'credential.confirmation_required' })
    expect(ofBound.headers['cache-control']).toBe('no-store')
    if ('certificateFrom' in more) {
      const answered = await kept.ask('ingress-nginx', { of: 'kept' }, [...bound, stated])
      expect({ status: answered.status, kept: answered.headers['cache-control'] }).toEqual({
        status: 200,
        kept: 'no-store',
      })
    }
    await kept.stop()
  })
})

describe('an answer', () => {
  const octets = (headers: Readonly<Record<string, string | readonly string[]>>) =>
    Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + String(value).length + 4, 0)

  it('leaves room in 4,000 octets, or is a refusal', async () => {
    const sizes: string[] = []
    for (const [sub, tenant] of [
      ['a'.repeat(500), 'b'.repeat(100)],
      ['é'.repeat(120), 'é'.repeat(30)],
      ['a'.repeat(1_000), 'b'],
      ['\u{1f600}'.repeat(140), '\u{1f600}'.repeat(50)],
      ['é'.repeat(400), 'é'],
      ['%'.repeat(600), 'b'],
    ] as const) {
      const answer = await world.ask('nginx', {}, bearer(await world.accessToken({ sub, tenant })))
      expect(octets(answer.headers)).toBeLessThan(4_000 - 350)
      sizes.push(answer.reason ?? 'passes')
    }
    const refused = 'identity.too_large'
    expect(sizes).toEqual(['passes', 'passes', refused, refused, refused, refused])
  })

  it('is not refused for what it does not tell', async () => {
    const quiet = await openAuthzWorld([gatewayOf('nginx', 'nginx', { respond: { identity: false } })])
    const credential = bearer(await quiet.accessToken({ sub: '\u{1f600}'.repeat(140) }))
    expect((await quiet.ask('nginx', {}, credential)).status).toBe(200)
    await quiet.stop()
  })
})
