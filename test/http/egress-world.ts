import { createHash } from 'node:crypto'
import { request } from 'node:http'
import type { Keyring } from '../../src/mint/keyring.ts'
import type { CredentialStore } from '../../src/ports/credential-store.ts'
import type { Http } from '../../src/ports/http.ts'
import type { Meters } from '../../src/ports/meters.ts'
import type { ReplayGuard } from '../../src/ports/replay.ts'
import { createNodeHttp } from '../../src/runtimes/node/http.ts'
import type { VaultAccess } from '../../src/sources/vault-secrets.ts'
import { type RecordedPartner, startPartner } from '../world/recorded-partner.ts'
import { type ServedPlace, servePlace } from '../world/served-place.ts'
import { type TestKey, testKey, testKeyring } from '../world/signing.ts'
import { type Watch, watchEgress } from './egress-watch.ts'

/** The way out: people with tokens of ours, gateways at the way out, and a partner on this machine. */

export const us = 'https://dragoman.example.com'
const idp = 'https://idp.example.com'
export const orders = 'https://orders.internal.example'
const gatewaySecret = 'the-secret-of-egress-gateways-in-tests'
const sha256 = createHash('sha256').update(gatewaySecret).digest('base64url')

export const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

export const partnerHost = 'api.partner.example'

/** A Partner document: everybody of `crm` may, at api.partner.example. */
export const partner = (name: string, credential: object, more: object = {}) =>
  document('Partner', name, {
    destinations: { hosts: [partnerHost] },
    allow: [{ groups: ['crm'] }],
    credential,
    release: ['public', 'internal'],
    ...more,
  })

const grantOf = (audiences: readonly string[]) => ({
  audiences,
  scopes: ['orders:read'],
  ttl: '5m',
  release: ['public', 'internal', 'pii'],
})

const identity = {
  type: 'user',
  subject: { claim: 'sub', prefix: 'user:' },
  tenant: { claim: 'tenant', required: false },
  groups: { claim: 'groups' },
  claims: {
    email: { claim: 'email', required: false, sensitivity: 'pii' },
    staff: { claim: 'staff', required: false },
  },
}

const trustMaps = [
  document('TrustMap', 'people', {
    source: { oidc: { issuer: idp, jwksFile: 'idp.jwks.json', audiences: [us], algorithms: ['ES256'] } },
    rules: [{ name: 'employees', identity, grant: grantOf([orders]) }],
  }),
  document('TrustMap', 'inside', {
    source: { canonical: { audiences: [orders] } },
    rules: [{ name: 'bearers', identity: 'same', grant: grantOf([orders]) }],
  }),
]

const callerSecret = 'a-secret-of-the-edge-with-enough-entropy'

const client = (audiences: readonly string[]) =>
  document('Client', 'edge', {
    authentication: [
      {
        method: 'client_secret_basic',
        secrets: [{ sha256: createHash('sha256').update(callerSecret).digest('base64url') }],
      },
    ],
    may: { sources: ['people', 'inside'], audiences: [orders, ...audiences], scopes: ['**'] },
  })

/** A Gateway document at the way out, which proves itself by the header x-gateway. */
export const gateway = (name: string, dialect: string, more: object = {}) =>
  document('Gateway', name, {
    direction: 'egress',
    dialect,
    authenticate: { secretHeader: { name: 'x-gateway', secrets: [{ sha256 }] } },
    ...more,
  })

export const gatewayProof = { 'x-gateway': gatewaySecret }

export interface EgressWorld extends ServedPlace {
  readonly partner: RecordedPartner
  readonly idpKey: TestKey
  readonly now: () => number
  setTime(now: number): void
  /** A canonical token of ours, obtained at the token endpoint. */
  token(claims?: Readonly<Record<string, unknown>>): Promise<string>
  /** Describes a request at /v1/egress as the gateway `egress`. */
  describe(token: string, changes?: Readonly<Record<string, unknown>>): Promise<EgressAnswer>
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<EgressAnswer>
  /** A GET whose target and Host are as they are given. */
  raw(target: string, headers: Readonly<Record<string, string>>): Promise<RawAnswer>
  /** Asks the token endpoint for `audience` in exchange for `token`. */
  exchange(token: string, changes: Readonly<Record<string, string>>): Promise<EgressAnswer>
  /** The reason in the trace of the last request. */
  reason(): string | undefined
}

export interface EgressAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

export interface EgressWorldOptions {
  /** Partner and other documents; the URL is that of the partner on this machine. */
  readonly documents: (partnerUrl: string) => readonly object[]
  readonly secrets?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, object | string>>
  /** Audiences that the client may ask for beside ours. */
  readonly audiences?: readonly string[]
  readonly credentials?: CredentialStore
  readonly meters?: Meters
  /** What instances share, beside `credentials`: signing keys, and what was used once. */
  readonly keyring?: Keyring
  readonly replay?: ReplayGuard
  /** In place of Node's own. */
  readonly http?: Http
  readonly vault?: (partnerUrl: string) => VaultAccess
}

/** Starts a new world; stop it when done, which fails when a secret was written anywhere. */
export const openEgressWorld = async (options: EgressWorldOptions): Promise<EgressWorld> => {
  let time = Date.UTC(2026, 5, 1) / 1_000
  const idpKey = await testKey('idp-1')
  const { audiences = [], files = {}, secrets = {}, vault } = options
  const watch = watchEgress(options)
  for (const secret of [...Object.values(secrets), gatewaySecret, callerSecret]) watch.secret(secret)
  const partnerServer = await startPartner(watch.partnerSaid)
  const place = await servePlace({
    issuer: us,
    now: () => time,
    http: options.http ?? createNodeHttp(),
    documents: [...trustMaps, client(audiences), gateway('egress', 'json'), ...options.documents(partnerServer.url)],
    files: { 'idp.jwks.json': { keys: [idpKey.publicJwk] }, ...files },
    keyring: options.keyring ?? (await testKeyring()),
    ...(options.replay && { replay: options.replay }),
    secrets,
    ...watch.ports,
    ...(vault && { vault: vault(partnerServer.url) }),
  })
  const post: EgressWorld['post'] = async (path, body, headers = {}) =>
    answerOf(
      watch,

      await fetch(`${place.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    )
  const exchange: EgressWorld['exchange'] = async (token, changes) =>
    answerOf(
      watch,

      await fetch(`${place.url}/token`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`edge:${callerSecret}`).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          ...changes,
        }).toString(),
      }),
    )
  return {
    ...place,
    partner: partnerServer,
    idpKey,
    now: () => time,
    setTime(now) {
      time = now
    },
    async token(claims = {}) {
      const idToken = await idpKey.sign({
        iss: idp,
        sub: 'ada',
        aud: us,
        iat: time,
        exp: time + 3_600,
        groups: ['crm'],
        ...claims,
      })
      const { body } = await exchange(idToken, {
        subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
        audience: orders,
      })
      const { access_token: token } = body
      if (typeof token !== 'string') throw new Error(JSON.stringify(body))
      return token
    },
    describe: (token, changes = {}) =>
      post(
        '/v1/egress',
        {
          gateway: 'egress',
          method: 'GET',
          url: `https://${partnerHost}/v1/things`,
          headers: { authorization: `Bearer ${token}` },
          ...changes,
        },
        gatewayProof,
      ),
    post,
    raw: (target, headers) => rawGet(place.url, target, headers),
    exchange,
    reason() {
      const { outcome } = place.traces.at(-1) ?? {}
      return outcome?.granted === false ? outcome.reason : undefined
    },
    async stop() {
      await place.stop()
      await partnerServer.stop()
      watch.end(place.traces)
    },
  }
}

const answerOf = async (watch: Watch, response: Response): Promise<EgressAnswer> => {
  const text = await response.text()
  const { status, headers } = response
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  watch.answered(status, body, headers)
  return { status, headers, body }
}

const rawGet = (url: string, path: string, headers: Readonly<Record<string, string>>): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const asked = request({ hostname, port, path, headers, agent: false }, (response) => {
      response.resume()
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
        }),
      )
    })
    asked.on('error', reject)
    asked.end()
  })
