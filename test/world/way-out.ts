import { createHash } from 'node:crypto'
import * as z from 'zod'
import { type Document, orders, trustMap } from './documents.ts'
import { type Dragoman, eventually, subjectTokenTypes } from './dragoman.ts'
import type { OpenIdProvider } from './openid-provider.ts'
import { clients, dragomanAudience, paths, type User } from './openid-provider-settings.ts'

/** The way out as a gateway and a service see it: what a deployment writes for it, and how it is asked. */

/** Guards nothing. */
export const gatewaySecret = 'the-egress-gateway-of-the-test-world'
const sha256 = createHash('sha256').update(gatewaySecret).digest('base64url')

const document = (kind: string, name: string, spec: Document['spec']): Document => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const gateway = (name: string, dialect: string) =>
  document('Gateway', name, {
    direction: 'egress',
    dialect,
    originatesTLS: true,
    authenticate: { secretHeader: { name: 'x-gateway', secrets: [{ sha256 }] } },
  })

/** Our own tokens are believed; the Gateway `egress` asks as nginx does, `envoy` over gRPC, and `described` describes requests. */
export const wayOut: readonly Document[] = [
  trustMap('inside', {
    source: { canonical: { audiences: [orders] } },
    rules: [{ name: 'bearers', identity: 'same', grant: { audiences: [orders], ttl: '5m' } }],
  }),
  gateway('egress', 'nginx'),
  gateway('described', 'json'),
  gateway('envoy', 'envoy-grpc'),
]

/** A Partner at `NAME.example`, or where `more` says, for alice. */
export const partner = (name: string, credential: Document['spec'], more: Document['spec'] = {}): Document =>
  document('Partner', name, {
    destinations: { hosts: [`${name}.example`] },
    allow: [{ subjects: ['user:alice'] }],
    credential,
    ...more,
  })

/** A token of the provider at `issuer` for us as its client, by client_secret_basic unless it says otherwise. */
export const tokenOfProvider = (issuer: string, clientAuth?: Document['spec']): Document['spec'] => ({
  type: 'client-credentials',
  tokenEndpoint: issuer + paths.token,
  clientAuth: clientAuth ?? {
    method: 'client_secret_basic',
    clientId: clients.outwardBasic.client_id,
    clientSecret: { env: 'INTROSPECTION_SECRET' },
  },
  scopes: ['orders:read'],
  resource: dragomanAudience,
})

/** A canonical token of a person of the provider's. */
export const canonicalToken = async (provider: OpenIdProvider, dragoman: Dragoman, user: User): Promise<string> => {
  const form = { subject_token: await provider.idToken(user), subject_token_type: subjectTokenTypes.idToken }
  return (await dragoman.exchange(form)).body.access_token ?? ''
}

/** Asks as nginx does for a request to `host`. */
export const askForCredential = (dragoman: Dragoman, token: string, host: string): Promise<Response> =>
  fetch(`${dragoman.url}/egress/egress`, {
    headers: {
      'x-gateway': gatewaySecret,
      authorization: `Bearer ${token}`,
      'x-forwarded-method': 'GET',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': host,
      'x-forwarded-uri': '/',
    },
  })

const described = z.object({
  decision: z.string(),
  reason: z.string().optional(),
  partner: z.string().optional(),
  set: z.array(z.tuple([z.string(), z.string()])).default([]),
  remove: z.array(z.string()).default([]),
})

/** A request as a gateway describes it at /v1/egress. */
export interface Outgoing {
  readonly method: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly content_sha256?: string
}

/** Describes a request at /v1/egress. */
export const describeRequest = async (dragoman: Dragoman, token: string, { headers, ...rest }: Outgoing) => {
  const response = await fetch(`${dragoman.url}/v1/egress`, {
    method: 'POST',
    headers: { 'x-gateway': gatewaySecret, 'content-type': 'application/json' },
    body: JSON.stringify({
      gateway: 'described',
      ...rest,
      headers: { ...headers, authorization: `Bearer ${token}` },
    }),
  })
  return { status: response.status, ...described.parse(await response.json()) }
}

/** What the gateway is told to present as a bearer; '' when it is told nothing of the kind. */
export const bearerIn = (answer: Response): string =>
  (answer.headers.get('authorization') ?? '').replace(/^Bearer /, '')

/** The audit record about the newest question for the partner `name`. */
export const auditOf = (dragoman: Dragoman, name: string) =>
  eventually(() => dragoman.audit().findLast((one) => one['partner'] === name))
