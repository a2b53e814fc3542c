import { createHash } from 'node:crypto'
import { prefetch } from '../../src/desk.ts'
import type { Claims } from '../../src/domain/claims.ts'
import type { Trace } from '../../src/domain/trace.ts'
import type { HttpCall } from '../../src/gateways/dialect.ts'
import { answerAuthz } from '../../src/http/authz.ts'
import type { Keyring } from '../../src/mint/keyring.ts'
import { type TestCertificate, testAuthority } from '../world/certificates.ts'
import { nodePlatform, type Place, type PlaceOptions } from '../world/place.ts'
import { openPlaceOn } from '../world/platform-place.ts'
import { type SamlIdentityProvider, samlIdentityProvider } from '../world/saml-identity-provider.ts'
import { type TestKey, testKey, testKeyring } from '../world/signing.ts'

/** Gateways whose decisions can be given again, with a clock, keys and files that a test can change. */

export const us = 'https://dragoman.example.com'
export const issuer = 'https://idp.example.com'
export const samlIssuer = 'https://idp.example.com/saml'
export const orders = 'https://orders.internal.example'
export const billing = 'https://billing.internal.example'

const secret = 'a-secret-of-the-edge-with-enough-entropy'
const sha256 = createHash('sha256').update(secret).digest('base64url')

export const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const oidc = { issuer, jwksFile: 'idp.jwks.json', audiences: [us], algorithms: ['ES256'], clockSkew: '1s' }

/** The map of the issuer, with changes to its source and to its one rule. */
export const people = (changes: { readonly source?: object; readonly rule?: object; readonly more?: object } = {}) =>
  document('TrustMap', 'people', {
    source: { oidc: { ...oidc, staleKeys: '10m', ...changes.source } },
    rules: [
      {
        name: 'employees',
        identity: {
          type: 'user',
          subject: { claim: 'sub' },
          tenant: { claim: 'tenant', required: false, sensitivity: 'pii' },
        },
        grant: { audiences: [orders, billing], scopes: ['orders:read', 'billing:read'], ttl: '5m' },
        ...changes.rule,
      },
    ],
    ...changes.more,
  })

export const assertions = document('TrustMap', 'assertions', {
  source: {
    saml: { entityID: samlIssuer, certificates: ['saml.pem'], audiences: [us] },
  },
  rules: [
    {
      name: 'everybody',
      identity: { type: 'user', subject: { claim: 'sub' } },
      grant: { audiences: [orders], scopes: ['orders:read'], ttl: '5m' },
    },
  ],
})

export const workloads = document('TrustMap', 'workloads', {
  source: { x509: { trustAnchors: 'workloads.pem' } },
  rules: [
    {
      name: 'all',
      identity: { type: 'workload', subject: { claim: '/subject/CN' } },
      grant: { audiences: [orders], scopes: ['orders:read'] },
    },
  ],
})

export const svids = document('TrustMap', 'svids', {
  source: {
    spiffe: {
      trustDomains: [{ name: 'prod.example.org', bundleFile: 'prod.json' }],
      types: ['jwt-svid'],
      audiences: [us],
      algorithms: ['ES256'],
    },
  },
  rules: [
    {
      name: 'all',
      identity: { type: 'workload', subject: { claim: 'sub' } },
      grant: { audiences: [orders], scopes: ['orders:read'] },
    },
  ],
})

/** The JWKs of a trust domain's bundle. */
export const bundleOf = (...keys: readonly TestKey[]) => ({
  keys: keys.map(({ publicJwk: { alg: _alg, ...jwk } }) => ({ ...jwk, use: 'jwt-svid' })),
})

export const routes = [
  { name: 'orders', hosts: ['orders.example.com'], audience: orders, scopes: ['orders:read'] },
  { name: 'billing', hosts: ['billing.example.com'], audience: billing, scopes: ['billing:read'] },
]

/** A gateway that proves itself by the secret of all gateways here. */
export const gateway = (name: string, changes: object = {}) =>
  document('Gateway', name, {
    authenticate: { secretHeader: { name: 'X-Gateway-Secret', secrets: [{ sha256 }] } },
    dialect: 'forward-auth',
    certificateFrom: 'rfc9440',
    credentialFrom: [
      { header: 'Authorization', scheme: 'Bearer', type: 'access_token' },
      { header: 'X-Assertion', type: 'saml2' },
      { header: 'X-Svid', type: 'jwt' },
      { certificate: true },
    ],
    routes,
    ...changes,
  })

export interface Asked {
  /** Absent: `edge`. */
  readonly of?: string
  readonly host?: string
  readonly path?: string
  readonly method?: string
  readonly token?: string
  readonly svid?: string
  /** A SAML assertion, as XML. */
  readonly assertion?: string
  readonly certificate?: TestCertificate
  /** Further headers, by lower-case name. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly token: string | undefined
  readonly claims: Claims
  readonly trace: Trace
  readonly reason: string | undefined
}

export interface AgainWorld extends Place {
  readonly idp: TestKey
  readonly saml: SamlIdentityProvider
  readonly certificate: (name?: string) => TestCertificate
  readonly files: Record<string, object | string>
  now(): number
  /** Lets time pass in which others have asked too, so that keys that can be had are fresh. */
  pass(seconds: number): Promise<void>
  /** Lets time pass in which nobody has asked. */
  sleep(seconds: number): void
  setKeyring(keyring: Keyring): void
  /** Signatures that were made, and checked, so far. */
  readonly work: { signed: number; verified: number }
  accessToken(changes?: Claims, key?: TestKey): Promise<string>
  ask(asked: Asked): Promise<Answer>
  /** Asks until the decision is given again, which needs two others before; returns the last answer. */
  askAgain(asked: Asked): Promise<Answer>
}

export const openAgainWorld = async (
  documents: readonly object[],
  more: Partial<PlaceOptions> = {},
): Promise<AgainWorld> => {
  let time = Math.floor(Date.now() / 1_000)
  const now = () => time
  const work = { signed: 0, verified: 0 }
  const idp = await testKey('idp-1')
  const authority = testAuthority('Workloads')
  const saml = samlIdentityProvider({ entityId: samlIssuer, key: 'P-256', now })
  const files: Record<string, object | string> = {
    'idp.jwks.json': { keys: [idp.publicJwk] },
    'workloads.pem': authority.pem,
    'saml.pem': saml.certificatePem,
    'prod.json': bundleOf(idp),
  }
  let keyring = await testKeyring()
  const platform = nodePlatform()
  const { signatures } = platform
  const counted: typeof signatures = {
    ...signatures,
    sign: (...input) => {
      work.signed += 1
      return signatures.sign(...input)
    },
    verify: (...input) => {
      work.verified += 1
      return signatures.verify(...input)
    },
  }
  const place = await openPlaceOn(
    { ...platform, signatures: counted },
    {
      issuer: us,
      now,
      documents,
      files,
      get keyring() {
        return keyring
      },
      ...more,
    },
  )
  work.signed = 0
  work.verified = 0
  const ask: AgainWorld['ask'] = async (asked) => {
    const { status, headers } = await answerAuthz(callOf(asked), place.desk)
    const trace = place.traces.find(({ requestId }) => requestId === headers['X-Request-ID'])
    if (trace === undefined) throw new Error('nothing was recorded')
    const token = headers['Authorization']?.replace('Bearer ', '')
    return { status, headers, token, claims: claimsIn(token), trace, reason: reasonIn(trace) }
  }
  return {
    ...place,
    idp,
    saml,
    files,
    work,
    now,
    ask,
    certificate: (name = 'orders') => authority.issue({ subject: name }),
    pass(seconds) {
      time += seconds
      return prefetch(place.desk)
    },
    sleep(seconds) {
      time += seconds
    },
    setKeyring(other) {
      keyring = other
    },
    accessToken: (changes = {}, key = idp) => key.sign({ ...goodClaims(time), ...changes }, { typ: 'at+jwt' }),
    async askAgain(asked) {
      await ask(asked)
      await ask(asked)
      return ask(asked)
    },
  }
}

const goodClaims = (now: number): Claims => ({
  iss: issuer,
  sub: 'ada',
  aud: us,
  iat: now,
  exp: now + 3_600,
  client_id: 'shop',
  tenant: 'acme',
})

const callOf = ({ of = 'edge', host = 'orders.example.com', path = '/v1/orders', method = 'GET', ...asked }: Asked) => {
  const headers: Readonly<Record<string, string>> = {
    'x-gateway-secret': secret,
    'x-forwarded-method': method,
    'x-forwarded-proto': 'https',
    'x-forwarded-host': host,
    'x-forwarded-uri': path,
    ...(asked.token === undefined ? {} : { authorization: `Bearer ${asked.token}` }),
    ...(asked.svid === undefined ? {} : { 'x-svid': asked.svid }),
    ...(asked.assertion === undefined ? {} : { 'x-assertion': Buffer.from(asked.assertion).toString('base64url') }),
    ...(asked.certificate === undefined
      ? {}
      : { 'client-cert': `:${Buffer.from(asked.certificate.der).toString('base64')}:` }),
    ...asked.headers,
  }
  const call: HttpCall = {
    method: 'GET',
    target: `/authz/${of}`,
    isVerbatim: true,
    header: (name) => headers[name],
    body: async () => '',
    caller: () => ({ address: '127.0.0.1' }),
  }
  return call
}

const claimsIn = (token: string | undefined): Claims => {
  const payload = token?.split('.')[1]
  return payload === undefined ? {} : JSON.parse(Buffer.from(payload, 'base64url').toString())
}

const reasonIn = ({ outcome }: Trace): string | undefined => (outcome?.granted === false ? outcome.reason : undefined)
