import { createHash } from 'node:crypto'
import type { Claims } from '../../src/domain/claims.ts'
import type { ReplayGuard } from '../../src/ports/replay.ts'
import { type ServedPlace, servePlace } from '../world/served-place.ts'
import { type TestKey, testKey, testKeyring } from '../world/signing.ts'

/** One issuer with one map, two clients, and a token endpoint that speaks real HTTP. */

export const us = 'https://dragoman.example.com'
export const issuer = 'https://idp.example.com'
export const orders = 'https://orders.internal.example'
export const billing = 'https://billing.internal.example'
const secret = 'a-secret-of-gateway-with-enough-entropy'

export const tokenType = (name: string) => `urn:ietf:params:oauth:token-type:${name}`

export interface TokenWorld extends ServedPlace {
  readonly issuerKey: TestKey
  readonly clientKey: TestKey
  readonly now: () => number
  setTime(now: number): void
  /** The claims of a good ID token of ada's, with `changes`. */
  claims(changes?: Claims): Claims
  idToken(changes?: Claims, header?: Claims): Promise<string>
  /** Posts a form as the client gateway; an empty `authorization` leaves that header out. */
  exchange(form: readonly (readonly [string, string])[], headers?: Record<string, string>): Promise<Answer>
  /** Posts a good exchange of `token`, with `changes` to its form. */
  exchangeToken(token: string, changes?: Record<string, string>): Promise<Answer>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
  /** The reason code in the trace of this exchange. */
  readonly reason: string | undefined
}

export const basic = (id: string, password: string) => `Basic ${Buffer.from(`${id}:${password}`).toString('base64')}`
export const gatewayAuth = basic('gateway', secret)

const digest = createHash('sha256').update(secret).digest('base64url')

const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const trustMap = document('TrustMap', 'idp', {
  source: { oidc: { issuer, jwksFile: 'idp.jwks.json', audiences: [us], algorithms: ['ES256'], maxAge: '1h' } },
  claimValidationRules: [{ expression: '!has(claims.blocked) || claims.blocked == false', message: 'blocked' }],
  rules: [
    {
      name: 'contractors',
      when: { claims: { groups: { contains: 'contractors' } } },
      identity: { type: 'user', subject: { claim: 'sub', prefix: 'contractor:' } },
      grant: { audiences: [orders], scopes: ['orders:read'], ttl: '2m' },
      expires: '2026-01-31',
    },
    {
      name: 'employees',
      when: { claims: { groups: { contains: 'employees' } }, expression: "claims.amr.exists(m, m == 'mfa')" },
      identity: {
        type: 'user',
        subject: { claim: 'sub', prefix: 'user:' },
        groups: { claim: 'groups' },
        claims: {
          email: { claim: 'email', sensitivity: 'pii', required: false },
          team: { claim: 'team', required: false },
        },
      },
      grant: { audiences: [orders, billing], scopes: ['orders:read', 'orders:write', 'billing:read'], ttl: '5m' },
    },
  ],
  identityValidationRules: [{ expression: "identity.subject != 'user:root'", message: 'root is reserved' }],
})

const clients = (key: TestKey) => [
  document('Client', 'gateway', {
    authentication: [
      { method: 'client_secret_basic', secrets: [{ sha256: digest }] },
      { method: 'client_secret_post', secrets: [{ sha256: digest }] },
      { method: 'private_key_jwt', jwks: { keys: [key.publicJwk] } },
    ],
    may: { sources: ['idp'], audiences: [orders, billing], scopes: ['orders:read', 'orders:write', 'billing:read'] },
  }),
  document('Client', 'narrow', {
    authentication: [{ method: 'client_secret_basic', secrets: [{ sha256: digest }] }],
    may: { sources: ['idp'], audiences: [orders], scopes: ['orders:read'] },
  }),
  document('Client', 'powerless', {
    authentication: [{ method: 'client_secret_basic', secrets: [{ sha256: digest }] }],
  }),
  document('Client', 'workload', {
    clientId: 'spiffe://prod.example.org/workload',
    authentication: [
      {
        method: 'spiffe_jwt',
        trustDomain: { name: 'prod.example.org', bundleFile: 'prod.json' },
        algorithms: ['ES512'],
      },
    ],
  }),
]

export const narrowAuth = basic('narrow', secret)
export const powerlessAuth = basic('powerless', secret)
export const gatewaySecret = secret

/** Starts a new world with new keys; stop it when done. */
export const openTokenWorld = async (options: { readonly replay?: ReplayGuard } = {}): Promise<TokenWorld> => {
  let time = Date.UTC(2026, 5, 1) / 1_000
  const [issuerKey, clientKey] = [await testKey('idp-1'), await testKey('gateway-1')]
  const place = await servePlace({
    issuer: us,
    now: () => time,
    documents: [trustMap, ...clients(clientKey)],
    files: { 'idp.jwks.json': { keys: [issuerKey.publicJwk] }, 'prod.json': { keys: [] } },
    keyring: await testKeyring(),
    ...options,
  })
  const claims = (changes: Claims = {}): Claims => ({ ...goodClaims(time), ...changes })
  const exchange: TokenWorld['exchange'] = async (form, headers = {}) => {
    const wanted = { authorization: gatewayAuth, 'content-type': 'application/x-www-form-urlencoded', ...headers }
    const response = await fetch(`${place.url}/token`, {
      method: 'POST',
      headers: Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== '')),
      body: new URLSearchParams(form.map(([name, value]): [string, string] => [name, value])).toString(),
    })
    return answerOf(response, place)
  }
  return {
    ...place,
    issuerKey,
    clientKey,
    now: () => time,
    setTime: (now) => {
      time = now
    },
    claims,
    idToken: (changes, header) => issuerKey.sign(claims(changes), { typ: 'JWT', ...header }),
    exchange,
    exchangeToken: (token, changes = {}) => exchange(Object.entries({ ...goodForm(token), ...changes })),
  }
}

export const goodForm = (token: string): Record<string, string> => ({
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token: token,
  subject_token_type: tokenType('id_token'),
  audience: orders,
})

/** Reads an answer and finds the trace that belongs to it. */
export const answerOf = async (response: Response, place: Pick<ServedPlace, 'traces'>): Promise<Answer> => {
  const text = await response.text()
  const { outcome } = place.traces.at(-1) ?? {}
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    reason: outcome?.granted === false ? outcome.reason : undefined,
  }
}

const goodClaims = (now: number): Claims => ({
  iss: issuer,
  sub: 'ada',
  aud: us,
  iat: now - 10,
  nbf: now - 10,
  exp: now + 600,
  jti: `id-${now}`,
  auth_time: now - 60,
  amr: ['pwd', 'mfa'],
  nonce: 'n',
  email: 'ada@example.com',
  email_verified: true,
  groups: ['employees', 'orders-team'],
  team: 'orders',
})
