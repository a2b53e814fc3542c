import { createHash } from 'node:crypto'
import type { Claims } from '../../src/domain/claims.ts'
import { tokenTypes } from '../../src/domain/token-type.ts'
import { type TestAuthority, type TestCertificate, testAuthority, testCertificate } from '../world/certificates.ts'
import { type ServedPlace, servePlace } from '../world/served-place.ts'
import { type TestKey, testKey, testKeyring } from '../world/signing.ts'
import { type ClientIdentity, postForm } from '../world/tls-call.ts'

/** A dragoman that speaks TLS and asks its callers for certificates, one issuer, two authorities, several clients. */

export const us = 'https://dragoman.example.com'
export const issuer = 'https://idp.example.com'
export const orders = 'https://orders.internal.example'
export const trustDomain = 'inside.example'
const secret = 'a-secret-of-gateway-with-enough-entropy'
const digest = createHash('sha256').update(secret).digest('base64url')

const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const grant = { audiences: [orders], scopes: ['orders:read'] }

const people = document('TrustMap', 'people', {
  source: { oidc: { issuer, jwksFile: 'idp.jwks.json', audiences: [us], algorithms: ['ES256'] } },
  rules: [
    {
      name: 'through-orders',
      when: { claims: { team: 'orders' }, actor: { map: 'workloads', claims: { '/subject/CN': 'orders' } } },
      identity: { type: 'user', subject: { claim: 'sub', prefix: 'user:' } },
      grant: { ...grant, profiles: ['access-token', 'jwt-svid'] },
    },
    {
      name: 'assisted',
      when: { claims: { team: 'assisted' }, actor: { map: 'people' } },
      identity: { type: 'user', subject: { claim: 'sub', prefix: 'user:' } },
      grant,
    },
    {
      name: 'bound',
      when: { claims: { team: 'bound' } },
      identity: { type: 'user', subject: { claim: 'sub', prefix: 'user:' } },
      grant: { ...grant, senderConstraint: 'mtls', profiles: ['access-token', 'jwt-svid'] },
    },
    {
      name: 'tokens-only',
      when: { claims: { team: 'tokens' } },
      identity: { type: 'user', subject: { claim: 'sub', prefix: 'user:' } },
      grant,
    },
    {
      name: 'alone',
      when: { claims: { team: 'alone' } },
      identity: { type: 'user', subject: { claim: 'sub', prefix: 'user:' } },
      grant: { ...grant, profiles: ['access-token', 'jwt-svid'] },
    },
  ],
})

const workloads = document('TrustMap', 'workloads', {
  source: { x509: { trustAnchors: 'workloads-ca.pem' } },
  rules: [
    {
      name: 'named',
      when: { claims: { '/san/dns': { contains: { glob: '*.workloads.example' } } } },
      identity: {
        type: 'workload',
        subject: { claim: '/subject/CN', prefix: 'workload:' },
        claims: { serial: { claim: 'serial' } },
      },
      grant,
    },
  ],
})

const rights = (sources: readonly string[]) => ({
  sources,
  audiences: [orders],
  scopes: ['orders:read'],
  introspect: [orders],
})

const clientsFor = (may: ReturnType<typeof rights>) => [
  document('Client', 'gateway', {
    authentication: [{ method: 'client_secret_basic', secrets: [{ sha256: digest }] }],
    may: { ...may, presentCertificates: true },
  }),
  document('Client', 'service', {
    authentication: [{ method: 'client_secret_basic', secrets: [{ sha256: digest }] }],
    may,
  }),
  document('Client', 'orders', {
    authentication: [
      { method: 'tls_client_auth', trustAnchors: 'workloads-ca.pem', sanDNS: 'orders.workloads.example' },
    ],
    may,
  }),
  document('Client', 'by-subject', {
    authentication: [{ method: 'tls_client_auth', trustAnchors: 'workloads-ca.pem', subjectDN: 'CN=orders' }],
    may,
  }),
  document('Client', 'two-ways', {
    authentication: [
      { method: 'self_signed_tls_client_auth', jwksURI: 'https://clients.example.com/two-ways.jwks.json' },
      { method: 'tls_client_auth', trustAnchors: 'workloads-ca.pem', sanDNS: 'two-ways.workloads.example' },
    ],
    may,
  }),
  document('Client', 'self-signed', {
    authentication: [{ method: 'self_signed_tls_client_auth', certificates: 'self-signed.pem' }],
    may,
  }),
]

export interface CertificateWorld extends ServedPlace {
  readonly authority: TestAuthority
  readonly stranger: TestAuthority
  /** Whose certificate the listener has. */
  readonly server: TestAuthority
  /** A certificate for TLS clients of the workloads' authority. */
  readonly ordersCertificate: TestCertificate
  readonly selfSigned: TestCertificate
  readonly issuerKey: TestKey
  readonly now: () => number
  idToken(changes?: Claims): Promise<string>
  /** Posts to `path`; `as` is the client_id of one that has the common secret. */
  post(path: string, form: Readonly<Record<string, string>>, how?: Caller): Promise<Answer>
  /** Posts a good exchange of ada's ID token, with `changes` to its form. */
  exchange(changes?: Readonly<Record<string, string>>, how?: Caller): Promise<Answer>
}

export interface Caller {
  readonly as?: string
  readonly certificate?: TestCertificate
  /** In place of the caller's certificate alone. */
  readonly chain?: readonly TestCertificate[]
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
  /** The claims of the access token that was issued. */
  readonly claims: Claims
  readonly reason: string | undefined
}

const claimsIn = (token: unknown): Claims =>
  typeof token === 'string' && token.split('.').length === 3
    ? JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    : {}

interface WorldOptions {
  readonly clientCa?: 'any' | 'workloads'
  /** Besides those that are there, with the files that they name. */
  readonly documents?: readonly object[]
  readonly files?: Readonly<Record<string, string>>
  /** The maps whose credentials clients may present. */
  readonly sources?: readonly string[]
}

export const openCertificateWorld = async (options: WorldOptions = {}): Promise<CertificateWorld> => {
  const { documents = [], files = {}, sources = ['people', 'workloads'] } = options
  const authority = testAuthority('Workloads')
  const stranger = testAuthority('Strangers')
  const server = testAuthority('Servers')
  const listener = server.issue({ subject: '127.0.0.1', ips: [Buffer.from([127, 0, 0, 1])] })
  const ordersCertificate = authority.issue({ subject: 'orders', dns: ['orders.workloads.example'] })
  const selfSigned = testCertificate({ subject: 'self' })
  const issuerKey = await testKey('idp-1')
  const now = () => Math.floor(Date.now() / 1_000)
  const named = options.clientCa === 'workloads'
  const place = await servePlace({
    issuer: us,
    trustDomain,
    mtlsAlias: 'https://mtls.dragoman.example.com',
    now,
    documents: [people, workloads, ...clientsFor(rights(sources)), ...documents],
    files: {
      ...files,
      'idp.jwks.json': { keys: [issuerKey.publicJwk] },
      'workloads-ca.pem': authority.pem,
      'self-signed.pem': selfSigned.pem,
    },
    keyring: await testKeyring(),
    tls: {
      cert: listener.pem,
      key: listener.privateKeyPem,
      ...(named ? { ca: authority.pem, clientCa: 'workloads-ca.pem' } : { clientCa: 'any' }),
    },
  })
  const post: CertificateWorld['post'] = async (path, form, how = {}) => {
    const answer = await postForm(`${place.url}${path}`, form, {
      ca: server.pem,
      ...(how.certificate === undefined ? {} : { identity: identityOf(how.certificate, how.chain) }),
      headers: { ...(how.as === undefined ? {} : { authorization: basic(how.as) }), ...how.headers },
    })
    const { outcome } = place.traces.at(-1) ?? {}
    const reason = outcome?.granted === false ? outcome.reason : undefined
    return { ...answer, claims: claimsIn(answer.body['access_token']), reason }
  }
  const idToken: CertificateWorld['idToken'] = (changes = {}) => issuerKey.sign({ ...goodClaims(now()), ...changes })
  return {
    ...place,
    authority,
    stranger,
    server,
    ordersCertificate,
    selfSigned,
    issuerKey,
    now,
    idToken,
    post,
    exchange: async (changes = {}, how = {}) => post('/token', { ...(await goodForm(idToken)), ...changes }, how),
  }
}

export const basic = (id: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

const identityOf = (certificate: TestCertificate, chain: readonly TestCertificate[] = []): ClientIdentity => ({
  cert: [certificate, ...chain].map(({ pem }) => pem).join('\n'),
  key: certificate.privateKeyPem,
})

export const thumbprintOf = ({ der }: TestCertificate): string => createHash('sha256').update(der).digest('base64url')

const goodForm = async (idToken: CertificateWorld['idToken']) => ({
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token: await idToken(),
  subject_token_type: tokenTypes.idToken,
  audience: orders,
})

const goodClaims = (now: number): Claims => ({
  iss: issuer,
  sub: 'ada',
  aud: us,
  iat: now - 10,
  exp: now + 600,
  team: 'alone',
})
