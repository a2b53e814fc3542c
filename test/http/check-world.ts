import type { Claims } from '../../src/domain/claims.ts'
import type { CheckRequest, CheckResponse } from '../../src/gateways/envoy-grpc-messages.ts'
import { checkImplementation } from '../../src/runtimes/node/grpc-check.ts'
import { authorizationDefinition } from '../../src/runtimes/node/grpc-definitions.ts'
import { listenGrpc } from '../../src/runtimes/node/grpc-listener.ts'
import { testAdmission } from '../world/admission.ts'
import { type TestAuthority, testAuthority } from '../world/certificates.ts'
import { type GrpcCaller, type GrpcCallerOptions, grpcCaller } from '../world/grpc-caller.ts'
import { openPlace, type Place } from '../world/place.ts'
import { testKey, testKeyring } from '../world/signing.ts'

/** Gateways that ask over real gRPC, people of one issuer, workloads with certificates, and services behind routes. */

export const us = 'https://dragoman.example.com'
export const orders = 'https://orders.internal.example'
export const billing = 'https://billing.internal.example'
const issuer = 'https://idp.example.com'
const secret = 'a-secret-of-the-edge-with-enough-entropy'

/** How the gateway `edge` proves itself. */
export const asEdge = { 'x-dragoman-gateway': 'edge', 'x-edge-secret': secret }

const document = (kind: string, name: string, spec: object) => ({
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
      identity: {
        type: 'user',
        subject: { claim: 'sub', prefix: 'user:' },
        tenant: { claim: 'tenant', required: false },
      },
      grant: { audiences: [orders, billing], scopes: ['orders:read', 'billing:read'] },
    },
  ],
})

const workloads = document('TrustMap', 'workloads', {
  source: { x509: { trustAnchors: 'workloads.pem' } },
  rules: [
    {
      name: 'all',
      identity: { type: 'workload', subject: { claim: '/subject/CN', prefix: 'workload:' } },
      grant: { audiences: [orders], scopes: ['orders:read'], senderConstraint: 'mtls' },
    },
  ],
})

const routes = [
  { name: 'open', hosts: ['open.example.com'], audience: orders, scopes: [], anonymous: 'pass' },
  { name: 'orders', hosts: ['orders.example.com'], paths: ['/v1/**'], audience: orders, scopes: ['orders:read'] },
  { name: 'billing', hosts: ['*.example.com'], paths: ['/v1/**'], audience: billing, scopes: ['billing:read'] },
]

const token = { header: 'authorization', scheme: 'Bearer', type: 'jwt' }

const bySecret = { secretHeader: { name: 'x-edge-secret', secrets: [{ env: 'EDGE_SECRET' }] } }

const gateway = (name: string, spec: object) =>
  document('Gateway', name, {
    authenticate: bySecret,
    dialect: 'envoy-grpc',
    credentialFrom: [token, { certificate: true }],
    routes,
    preflight: 'pass',
    ...spec,
  })

const gateways = [
  gateway('edge', { respond: { removeHeaders: ['cookie'] } }),
  gateway('quiet', { respond: { header: 'X-Internal-Token', identity: false } }),
  gateway('forwarding', { certificateFrom: 'envoy-xfcc' }),
  gateway('mesh', { authenticate: { mtls: { trustAnchors: 'gateways.pem', dns: 'edge.internal.example' } } }),
  gateway('elsewhere', { authenticate: { network: ['192.0.2.0/24'] } }),
  gateway('limited', { rateLimit: { gateway: { requests: 2, per: '1m' } } }),
  gateway('over-http', { dialect: 'envoy-http', credentialFrom: [token] }),
]

/** What came of a check: an answer, or the code of gRPC that it ended with. */
export type Checked = { readonly response: CheckResponse } | { readonly code: number }

export interface CheckWorld extends Place {
  readonly port: number
  readonly workloads: TestAuthority
  readonly gatewayAuthority: TestAuthority
  /** Whose certificate the listener has, where it speaks TLS. */
  readonly server: TestAuthority
  readonly now: () => number
  setTime(now: number): void
  jwt(changes?: Claims): Promise<string>
  caller(options?: GrpcCallerOptions): GrpcCaller
  /** Asks as `edge` on one kept connection, or with other metadata. */
  check(request: unknown, metadata?: Readonly<Record<string, string | readonly string[]>>): Promise<Checked>
  /** Why the last check was denied. */
  reason(): string | undefined
  /** The status with which the last check was denied, and why. */
  denied(checked: Checked): { readonly status: number | undefined; readonly reason: string | undefined }
  stop(): Promise<void>
}

export const openCheckWorld = async (
  options: { readonly tls?: boolean; readonly maxInFlight?: number } = {},
): Promise<CheckWorld> => {
  let time = Math.floor(Date.now() / 1_000)
  const [authority, gatewayAuthority, server] = ['Workloads', 'Gateways', 'Servers'].map((name) => testAuthority(name))
  if (authority === undefined || gatewayAuthority === undefined || server === undefined) throw new Error('unreachable')
  const issuerKey = await testKey('idp-1')
  const place = await openPlace({
    issuer: us,
    now: () => time,
    documents: [people, workloads, ...gateways],
    files: {
      'idp.jwks.json': { keys: [issuerKey.publicJwk] },
      'workloads.pem': authority.pem,
      'gateways.pem': gatewayAuthority.pem,
    },
    secrets: { EDGE_SECRET: secret },
    keyring: await testKeyring(),
  })
  const definition = await authorizationDefinition()
  const listening = server.issue({ ips: [Buffer.from([127, 0, 0, 1])] })
  const listener = await listenGrpc(
    (callerOf) => [
      {
        definition,
        implementation: checkImplementation(() => place.desk, callerOf, testAdmission(options.maxInFlight)),
      },
    ],
    '127.0.0.1',
    0,
    options.tls === true
      ? {
          files: { cert: '', key: '', clientCa: 'any' },
          material: { cert: listening.pem, key: listening.privateKeyPem },
        }
      : undefined,
  )
  const callers: GrpcCaller[] = []
  const caller = (how?: GrpcCallerOptions): GrpcCaller => {
    const opened = grpcCaller(listener.port, definition, how)
    callers.push(opened)
    return opened
  }
  const kept = options.tls === true ? undefined : caller()
  const reason = (): string | undefined => {
    const { outcome } = place.traces.at(-1) ?? {}
    return outcome?.granted === false ? outcome.reason : undefined
  }
  return {
    ...place,
    port: listener.port,
    workloads: authority,
    gatewayAuthority,
    server,
    now: () => time,
    setTime: (now) => {
      time = now
    },
    jwt: (changes = {}) => issuerKey.sign({ ...goodClaims(time), ...changes }),
    caller,
    async check(request, metadata = asEdge) {
      return checkedBy(kept ?? caller({ ca: server.pem }), request, metadata)
    },
    reason,
    denied(checked) {
      const { deniedResponse, okResponse } = responseIn(checked)
      if (okResponse !== undefined) throw new Error('the request may pass')
      return { status: deniedResponse?.status.code, reason: reason() }
    },
    async stop() {
      for (const one of callers) one.close()
      await listener.close(1)
    },
  }
}

/** Asks through `caller`. */
export const checkedBy = async (
  caller: GrpcCaller,
  request: unknown,
  metadata: Readonly<Record<string, string | readonly string[]>> = asEdge,
): Promise<Checked> => {
  const answer = await caller.call('Check', request, metadata)
  return 'code' in answer ? answer : { response: answer.message as CheckResponse }
}

const goodClaims = (now: number): Claims => ({ iss: issuer, sub: 'ada', aud: us, iat: now - 10, exp: now + 600 })

/** A request for `orders`, as Envoy tells of it, with `headers` and what else differs. */
export const checkOf = (
  headers: Readonly<Record<string, string>> = {},
  changes: {
    readonly http?: object
    readonly certificate?: string
    readonly extensions?: Readonly<Record<string, string>>
  } = {},
): CheckRequest => {
  const http = { method: 'GET', scheme: 'https', host: 'orders.example.com', path: '/v1/orders?x=1' }
  return {
    attributes: {
      source: changes.certificate === undefined ? {} : { certificate: changes.certificate },
      request: { http: { ...http, headers: { ':method': 'GET', ...headers }, ...changes.http } },
      contextExtensions: changes.extensions ?? {},
    },
  }
}

/** Headers one by one, as Envoy tells of them where it is to encode raw headers. */
export const rawHeaders = (...fields: readonly (readonly [string, string])[]) => ({
  headers: {},
  headerMap: { headers: fields.map(([key, value]) => ({ key, rawValue: Buffer.from(value) })) },
})

/** The headers that an answer sets, by name. */
export const headersIn = (checked: Checked): Readonly<Record<string, string>> => {
  const { okResponse, deniedResponse } = responseIn(checked)
  const options = okResponse?.headers ?? deniedResponse?.headers ?? []
  return Object.fromEntries(options.map(({ header }) => [header.key, header.value]))
}

export const responseIn = (checked: Checked): CheckResponse => {
  if ('code' in checked) throw new Error(`the check ended with the code ${checked.code}`)
  return checked.response
}

/** The token in the Authorization header that an answer sets. */
export const tokenIn = (checked: Checked): string | undefined =>
  headersIn(checked)['authorization']?.replace(/^Bearer /, '')

/** The claims of the token in a header. */
export const claimsIn = (text = ''): Claims =>
  JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) as Claims
