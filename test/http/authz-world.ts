import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Claims } from '../../src/domain/claims.ts'
import type { Trace } from '../../src/domain/trace.ts'
import { type TestAuthority, type TestCertificate, testAuthority } from '../world/certificates.ts'

import { type ServedPlace, type ServedPlaceOptions, servePlace } from '../world/served-place.ts'
import { type TestKey, testKey, testKeyring } from '../world/signing.ts'

/** Gateways of every dialect that is spoken over HTTP, asking about requests for two services, line by line. */

export const us = 'https://dragoman.example.com'
export const issuer = 'https://idp.example.com'
export const orders = 'https://orders.internal.example'
export const billing = 'https://billing.internal.example'

export const gatewaySecret = 'a-secret-of-the-edge-with-enough-entropy'
const sha256 = createHash('sha256').update(gatewaySecret).digest('base64url')
export const bySecret = { secretHeader: { name: 'X-Gateway-Secret', secrets: [{ sha256 }] } }

export const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const people = document('TrustMap', 'people', {
  source: { oidc: { issuer, jwksFile: 'idp.jwks.json', audiences: [us], algorithms: ['ES256'] } },
  rules: [
    {
      name: 'employees',
      when: { claims: { groups: { contains: 'employees' } } },
      identity: {
        type: 'user',
        subject: { claim: 'sub' },
        tenant: { claim: 'tenant', required: false },
        claims: { email: { claim: 'email', sensitivity: 'pii', required: false } },
      },
      grant: { audiences: [orders, billing], scopes: ['orders:read', 'orders:write'], ttl: '5m' },
    },
    {
      name: 'readers',
      when: { claims: { groups: { contains: 'readers' } } },
      identity: {
        type: 'user',
        subject: { claim: 'sub' },
        tenant: { claim: 'tenant', required: false, sensitivity: 'pii' },
      },
      grant: { audiences: [orders], scopes: ['orders:read'] },
    },
  ],
})

const workloads = document('TrustMap', 'workloads', {
  source: { x509: { trustAnchors: 'workloads-ca.pem' } },
  rules: [
    {
      name: 'named',
      when: { claims: { '/san/dns': { contains: { glob: '*.workloads.example' } } } },
      identity: { type: 'workload', subject: { claim: '/subject/CN', prefix: 'workload:' } },
      grant: { audiences: [orders], scopes: ['orders:read'] },
    },
  ],
})

/** Its keys cannot be had: there is no network. */
const away = document('TrustMap', 'away', {
  source: { oidc: { issuer: 'https://away.example.com', audiences: [us] } },
  rules: [
    {
      name: 'all',
      when: { claims: { sub: { exists: true } } },
      identity: { type: 'user', subject: { claim: 'sub' } },
      grant: { audiences: [orders] },
    },
  ],
})

export const routes = [
  {
    name: 'write-orders',
    hosts: ['orders.example.com'],
    paths: ['/v1/**'],
    methods: ['POST', 'DELETE'],
    audience: orders,
    scopes: ['orders:write'],
  },
  {
    name: 'read-orders',
    hosts: ['orders.example.com'],
    paths: ['/v1/**'],
    methods: ['GET'],
    audience: orders,
    scopes: ['orders:read'],
  },
  { name: 'orders-front', hosts: ['orders.example.com'], paths: ['/'], audience: orders, anonymous: 'pass' },
  { name: 'billing', hosts: ['*.billing.example.com:8443', 'billing.example.com'], audience: billing },
]

export const gatewayOf = (name: string, dialect: string, more: object = {}) =>
  document('Gateway', name, { authenticate: bySecret, dialect, routes, ...more })

export const httpDialects = ['apisix', 'envoy-http', 'forward-auth', 'haproxy', 'ingress-nginx', 'nginx'] as const
export type HttpDialectKind = (typeof httpDialects)[number]

export interface Answer {
  readonly status: number
  /** By lower-case name; more than one value where the header stands more than once. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: string
  readonly trace: Trace
  readonly reason: string | undefined
  /** The claims of the token that was handed out. */
  readonly claims: Claims
}

export type Lines = readonly (readonly [name: string, value: string])[]

export interface AuthzWorld extends ServedPlace {
  readonly issuerKey: TestKey
  readonly authority: TestAuthority
  readonly certificate: TestCertificate
  readonly now: () => number
  accessToken(changes?: Claims): Promise<string>
  /** Calls `target` with these lines as they stand; no gateway has proven itself but by them. */
  call(method: string, target: string, lines: Lines, body?: string): Promise<Answer>
  /** As a gateway of the dialect asks about `asked`, with the headers of the client. */
  ask(dialect: HttpDialectKind, asked: Asked, lines?: Lines): Promise<Answer>
}

/** What the client asked of the gateway. */
export interface Asked {
  readonly method?: string
  readonly scheme?: string
  readonly host?: string
  readonly target?: string
  /** The gateway's name; by default that of its dialect. */
  readonly of?: string
}

/** The lines by which a gateway of the dialect says what was asked of it, and how it calls. */
export const askedBy = (
  dialect: HttpDialectKind,
  { method = 'GET', scheme = 'https', host = 'orders.example.com', target = '/v1/orders', of = dialect }: Asked,
): { readonly method: string; readonly target: string; readonly lines: Lines } => {
  if (dialect === 'envoy-http') return { method, target: `/authz/${of}${target}`, lines: [['host', host]] }
  if (dialect === 'ingress-nginx')
    return {
      method: 'GET',
      target: `/authz/${of}`,
      lines: [
        ['host', 'dragoman'],
        ['x-original-method', method],
        ['x-original-url', `${scheme}://${host}${target}`],
      ],
    }
  return {
    method: dialect === 'haproxy' ? 'HEAD' : 'GET',
    target: `/authz/${of}`,
    lines: [
      ['host', 'dragoman'],
      ['x-forwarded-method', method],
      ['x-forwarded-proto', scheme],
      ['x-forwarded-host', host],
      ['x-forwarded-uri', target],
    ],
  }
}

export const proof: Lines = [['x-gateway-secret', gatewaySecret]]
export const bearer = (token: string): Lines => [['authorization', `Bearer ${token}`]]

export const openAuthzWorld = async (
  documents: readonly object[],
  more: Partial<ServedPlaceOptions> = {},
): Promise<AuthzWorld> => {
  const issuerKey = await testKey('idp-1')
  const authority = testAuthority('Workloads')
  const certificate = authority.issue({ subject: 'orders', dns: ['orders.workloads.example'] })
  const now = () => Math.floor(Date.now() / 1_000)
  const place = await servePlace({
    issuer: us,
    now,
    documents: [people, workloads, away, ...documents],
    files: { 'idp.jwks.json': { keys: [issuerKey.publicJwk] }, 'workloads-ca.pem': authority.pem },
    keyring: await testKeyring(),
    ...more,
  })
  const call: AuthzWorld['call'] = async (method, target, lines, body = '') => {
    const told = await sent(Number(new URL(place.url).port), method, target, lines, body)
    return answerOf(told, method, place.traces)
  }
  return {
    ...place,
    issuerKey,
    authority,
    certificate,
    now,
    accessToken: (changes = {}) => issuerKey.sign({ ...goodClaims(now()), ...changes }, { typ: 'at+jwt' }),
    call,
    ask(dialect, asked, lines = []) {
      const how = askedBy(dialect, asked)
      return call(how.method, how.target, [...how.lines, ...proof, ...lines])
    },
  }
}

const goodClaims = (now: number): Claims => ({
  iss: issuer,
  sub: 'ada',
  aud: us,
  iat: now - 10,
  exp: now + 600,
  client_id: 'shop',
  groups: ['employees'],
  tenant: 'acme',
  email: 'ada@example.com',
})

const sent = async (port: number, method: string, target: string, lines: Lines, body: string): Promise<string> => {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const host = lines.some(([name]) => name === 'host') ? [] : ['host: dragoman']
  const length = body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`]
  const head = [`${method} ${target} HTTP/1.1`, ...host, 'connection: close', ...length]
  socket.write([...head, ...lines.map((line) => line.join(': ')), '', body].join('\r\n'))
  return text(socket)
}

const answerOf = (told: string, method: string, traces: readonly Trace[]): Answer => {
  const [head = '', ...rest] = told.split('\r\n\r\n')
  const [status = '', ...lines] = head.split('\r\n')
  const headers: Record<string, string | readonly string[]> = {}
  for (const line of lines) {
    const [name = '', ...value] = line.split(': ')
    const before = headers[name.toLowerCase()]
    headers[name.toLowerCase()] = before === undefined ? value.join(': ') : [before, value.join(': ')].flat()
  }
  const trace = traces.at(-1)
  if (trace === undefined) throw new Error(`no ${method} was recorded`)
  return {
    status: Number(status.split(' ')[1]),
    headers,
    body: rest.join('\r\n\r\n'),
    trace,
    reason: trace.outcome?.granted === false ? trace.outcome.reason : undefined,
    claims: claimsIn(headers['authorization']),
  }
}

const claimsIn = (value: string | readonly string[] | undefined): Claims => {
  const payload = typeof value === 'string' ? value.split('.')[1] : undefined
  return payload === undefined ? {} : JSON.parse(Buffer.from(payload, 'base64url').toString())
}
