import { createHash } from 'node:crypto'
import * as jose from 'jose'
import type { Claims } from '../../src/domain/claims.ts'
import { tokenTypes } from '../../src/domain/token-type.ts'
import { importKeyring } from '../../src/mint/keyring.ts'
import { type ServedPlace, servePlace } from '../world/served-place.ts'
import { type TestKey, testKey, testSignatures } from '../world/signing.ts'
import { type Answer, answerOf, basic, issuer, us } from './token-world.ts'

/** An edge that lets people in, and services that call one another with tokens narrowed for each hop. */

export { us }
export const orders = 'https://orders.internal.example'
export const billing = 'https://billing.internal.example'
export const ledger = 'https://ledger.internal.example'
export const workloadIssuer = 'https://workloads.example.com'
const secret = 'a-secret-of-services-with-enough-entropy'
const digest = createHash('sha256').update(secret).digest('base64url')

const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const everyLabel = ['public', 'internal', 'pii']
const scopes = ['orders:read', 'orders:write', 'billing:read', 'ledger:read']

const people = document('TrustMap', 'people', {
  source: { oidc: { issuer, jwksFile: 'idp.jwks.json', audiences: [us], algorithms: ['ES256'] } },
  rules: [
    {
      name: 'employees',
      identity: {
        type: 'user',
        subject: { claim: 'sub', prefix: 'user:' },
        tenant: { claim: 'tenant', required: false },
        groups: { claim: 'groups' },
        roles: { claim: 'roles', required: false },
        claims: {
          email: { claim: 'email', sensitivity: 'pii', required: false },
          phone: { claim: 'phone', sensitivity: 'pii', required: false },
          motto: { claim: 'motto', sensitivity: 'public', required: false },
          case: { claim: 'case', required: false },
          level: { claim: 'level', required: false },
        },
      },
      grant: { audiences: [orders, billing], scopes: scopes.slice(0, 3), ttl: '5m', release: everyLabel },
    },
  ],
})

const workloads = document('TrustMap', 'workloads', {
  source: { oidc: { issuer: workloadIssuer, jwksFile: 'workloads.jwks.json', audiences: [us], algorithms: ['ES256'] } },
  rules: [
    {
      name: 'all',
      identity: { type: 'workload', subject: { claim: 'sub', prefix: 'workload:', sensitivity: 'pii' } },
      grant: { audiences: [orders], scopes },
    },
  ],
})

const onward = { audiences: [billing], scopes, ttl: '1h', release: everyLabel }

const mapping = (more: object = {}) => ({
  type: 'user',
  subject: { claim: 'sub' },
  tenant: { claim: 'tenant' },
  ...more,
})

/** Rules that try to say more than the token does, each for its own `case`. */
export const widenings: Readonly<Record<string, object>> = {
  'another-subject': mapping({ subject: { value: 'user:root' } }),
  'another-type': mapping({ type: 'workload' }),
  'another-tenant': mapping({ tenant: { value: 'other' } }),
  'no-tenant': { type: 'user', subject: { claim: 'sub' } },
  'more-groups': mapping({ groups: { expression: "['admins', 'staff']" } }),
  'other-roles': mapping({ roles: { value: ['admin'] } }),
  'new-entitlements': mapping({ entitlements: { value: ['everything'] } }),
  'a-new-attribute': mapping({ claims: { clearance: { value: 'top' } } }),
  'a-new-empty-attribute': mapping({ claims: { clearance: { value: [] } } }),
  'another-name': mapping({ claims: { mail: { claim: 'email', sensitivity: 'pii' } } }),
  'another-value': mapping({ claims: { level: { value: 9 } } }),
  'a-list-for-one': mapping({ claims: { level: { value: ['1'] } } }),
  'a-freer-label': mapping({ claims: { email: { claim: 'email' } } }),
  'a-freer-subject': mapping({ subject: { claim: 'sub', sensitivity: 'public' } }),
}

const fromOrders = document('TrustMap', 'from-orders', {
  source: { canonical: { audiences: [orders], clients: ['orders', 'narrow', 'mesh'] } },
  rules: [
    {
      name: 'closed',
      when: { gateway: 'mesh', request: { hosts: ['billing.internal.example'], paths: ['/closed/**'] } },
      identity: 'same',
      grant: onward,
      expires: '2026-01-31',
    },
    ...Object.entries(widenings).map(([name, identity]) => ({
      name,
      when: { claims: { case: name } },
      identity,
      grant: onward,
    })),
    {
      name: 'fewer',
      when: { claims: { case: 'fewer' } },
      identity: mapping({
        groups: { expression: "claims.groups.filter(g, g.startsWith('staff'))" },
        claims: { email: { claim: 'email', sensitivity: 'phi' } },
      }),
      grant: onward,
    },
    {
      name: 'with-workload',
      when: { claims: { case: 'workload' }, actor: { map: 'workloads' } },
      identity: 'same',
      grant: onward,
    },
    {
      name: 'with-token',
      when: { claims: { case: 'token' }, actor: { map: 'from-billing' } },
      identity: 'same',
      grant: onward,
    },
    {
      name: 'svid',
      when: { claims: { case: 'svid' } },
      identity: 'same',
      grant: { ...onward, profiles: ['access-token', 'jwt-svid'] },
    },
    {
      name: 'released',
      when: { claims: { case: 'released' } },
      identity: 'same',
      grant: { ...onward, release: ['internal'] },
    },
    { name: 'onward', identity: 'same', grant: onward },
  ],
})

const fromBilling = document('TrustMap', 'from-billing', {
  source: { canonical: { audiences: [billing], clients: ['billing', 'orders'], maxAge: '10m' } },
  rules: [
    { name: 'onward', identity: 'same', grant: { ...onward, audiences: [billing, ledger], release: ['internal'] } },
  ],
})

const laundry = document('TrustMap', 'laundry', {
  source: { oidc: { issuer: us, jwksFile: 'ours.jwks.json', audiences: [orders, billing], algorithms: ['ES256'] } },
  rules: [{ name: 'all', identity: { type: 'user', subject: { claim: 'sub' } }, grant: onward }],
})

const client = (name: string, sources: readonly string[], may: object = {}) =>
  document('Client', name, {
    authentication: [{ method: 'client_secret_basic', secrets: [{ sha256: digest }] }],
    may: { sources, audiences: [orders, billing, ledger], scopes, ...may },
  })

const clients = [
  client('edge', ['people']),
  client('orders', ['from-orders', 'from-billing', 'workloads']),
  client('narrow', ['from-orders'], { audiences: [orders], scopes: ['orders:read'] }),
  client('billing', ['from-billing', 'laundry']),
  client('anybody', ['*']),
]

/** The gateway between the services: it asks about every request that one of them makes of another. */
const mesh = document('Gateway', 'mesh', {
  authenticate: { network: ['127.0.0.1'] },
  dialect: 'forward-auth',
  sources: ['from-orders'],
  routes: [{ name: 'billing', hosts: ['billing.internal.example'], audience: billing, scopes: ['billing:read'] }],
})

export interface CanonicalWorld extends ServedPlace {
  readonly now: () => number
  setTime(now: number): void
  readonly workloadKey: TestKey
  /** Signs as we do, whatever it says. */
  sign(claims: Claims, header?: jose.JWTHeaderParameters): Promise<string>
  /** Under the key that has been retired. */
  signRetired(claims: Claims): Promise<string>
  /** The public half of the key that signs. */
  readonly publicJwk: Claims
  /** A token of ours for orders, made at the edge for ada, of whom the provider says this too. */
  enter(claims?: Claims, form?: Readonly<Record<string, string>>): Promise<Passed>
  /** Asks, as the gateway mesh, whether a request with the token may reach billing. */
  ask(token: string, path: string): Promise<Asked>
  /** Exchanges a token of ours for another audience. */
  pass(token: string, as: string, form?: Readonly<Record<string, string>>): Promise<Passed>
}

export interface Asked {
  readonly status: number
  readonly headers: Headers
  readonly reason: string | undefined
  /** The claims of the token that goes on to billing. */
  readonly claims: Claims
}

export interface Passed extends Answer {
  readonly token: string
  /** The claims of the token that was issued. */
  readonly claims: Claims
}

const claimsIn = (token: string): Claims =>
  token === '' ? {} : (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims)

export const openCanonicalWorld = async (
  options: { readonly documents?: (all: readonly object[]) => readonly object[] } = {},
): Promise<CanonicalWorld> => {
  let time = Date.UTC(2026, 5, 1) / 1_000
  const [issuerKey, workloadKey] = [await testKey('idp-1'), await testKey('workloads-1')]
  const [retired, active] = [await testSignatures.generate('ES256'), await testSignatures.generate('ES256')]
  const stored = { alg: 'ES256', createdAt: 0 } as const
  const keyring = await importKeyring(
    [
      { ...stored, kid: 'old', activeFrom: 0, retireAt: time - 1, privateKey: retired },
      { ...stored, kid: 'ours', activeFrom: time - 3_600, privateKey: active },
    ],
    testSignatures,
  )
  const [publicJwk = {}] = keyring.signers.filter(({ kid }) => kid === 'ours').map(({ jwk }) => jwk)
  const all = [people, workloads, fromOrders, fromBilling, laundry, mesh, ...clients]
  const place = await servePlace({
    issuer: us,
    trustDomain: 'inside.example',
    now: () => time,
    documents: options.documents === undefined ? all : options.documents(all),
    files: {
      'idp.jwks.json': { keys: [issuerKey.publicJwk] },
      'workloads.jwks.json': { keys: [workloadKey.publicJwk] },
      'ours.jwks.json': { keys: [publicJwk] },
    },
    keyring,
  })
  const exchange = async (form: Readonly<Record<string, string>>, as: string): Promise<Passed> => {
    const response = await fetch(`${place.url}/token`, {
      method: 'POST',
      headers: { authorization: basic(as, secret), 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(Object.entries(form).filter(([, value]) => value !== '')).toString(),
    })
    const answer = await answerOf(response, place)
    const issued = answer.body['access_token']
    const token = typeof issued === 'string' ? issued : ''
    return { ...answer, token, claims: claimsIn(token) }
  }
  const signer = (privateKey: Claims, kid: string) => async (claims: Claims, header?: jose.JWTHeaderParameters) =>
    new jose.SignJWT(claims)
      .setProtectedHeader(header ?? { alg: 'ES256', typ: 'at+jwt', kid })
      .sign(await jose.importJWK(privateKey, 'ES256'))
  return {
    ...place,
    now: () => time,
    setTime: (now) => {
      time = now
    },
    workloadKey,
    sign: signer(active, 'ours'),
    signRetired: signer(retired, 'old'),
    publicJwk,
    enter: async (claims = {}, form = {}) =>
      exchange(
        {
          ...tokenExchange,
          subject_token: await issuerKey.sign({ ...adaAt(time), ...claims }, { typ: 'JWT' }),
          subject_token_type: tokenTypes.idToken,
          audience: orders,
          ...form,
        },
        'edge',
      ),
    async ask(token, path) {
      const response = await fetch(`${place.url}/authz/mesh`, {
        headers: {
          authorization: `Bearer ${token}`,
          'x-forwarded-method': 'GET',
          'x-forwarded-proto': 'https',
          'x-forwarded-host': 'billing.internal.example',
          'x-forwarded-uri': path,
        },
      })
      const { headers } = response
      const { status, reason } = await answerOf(response, place)
      return { status, headers, reason, claims: claimsIn((headers.get('authorization') ?? '').replace('Bearer ', '')) }
    },
    pass: (token, as, form = {}) =>
      exchange(
        {
          ...tokenExchange,
          subject_token: token,
          subject_token_type: tokenTypes.accessToken,
          audience: billing,
          ...form,
        },
        as,
      ),
  }
}

const tokenExchange = { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange' }

const adaAt = (now: number): Claims => ({
  iss: issuer,
  sub: 'ada',
  aud: us,
  iat: now - 10,
  exp: now + 600,
  auth_time: now - 60,
  acr: 'gold',
  amr: ['pwd', 'mfa'],
  tenant: 'acme',
  groups: ['staff', 'staff-eu', 'chess'],
  roles: ['clerk'],
  email: 'ada@example.com',
  motto: 'onward',
  level: 1,
})
