import { createHash } from 'node:crypto'
import { callerDocument, type Document, grantOfOrders, orders, trustMap } from '../../world/documents.ts'
import { clients, dragomanAudience, paths } from '../../world/openid-provider-settings.ts'
import { gatewaySecret } from './secret.ts'
import { audience, issuerId } from './tokens.ts'

/** What dragoman knows of the gateway at the way out, of who is inside, and of the partners. */

/** Where each partner is. Its document has the first word for a name. */
export const hosts = {
  /** Takes a key as a Bearer token. */
  keys: 'keys.partner.example',
  /** Takes a key in a header of its own. */
  header: 'header.partner.example',
  /** Takes a key as a Bearer token, and reads X-Api-Key as well. */
  both: 'both.partner.example',
  /** Takes tokens of the OpenID provider. */
  tokens: 'tokens.partner.example',
  /** The same, and the secret that we have for the provider is wrong. */
  wrong: 'wrong.partner.example',
  /** The same, and nobody listens where the provider should be. */
  down: 'down.partner.example',
} as const

type PartnerName = keyof typeof hosts

/** No partner is here. */
export const unknownHost = 'nobody.partner.example'

/** What the environment of dragoman holds. The key and the secrets guard nothing. */
export const partnerKey = 'pk_live_of_the_test_world_0123456789'
export const wrongSecret = 'not-the-secret-of-dragoman-at-the-partner'

export const secretHeader = 'x-gateway-secret'

/** The name of the Gateway document. */
export const gatewayName = 'way-out'

export type EgressDialect = 'nginx' | 'envoy-http' | 'envoy-grpc'

const document = (kind: string, name: string, spec: Document['spec']): Document => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const gateway = (dialect: EgressDialect): Document =>
  document('Gateway', gatewayName, {
    direction: 'egress',
    dialect,
    authenticate: {
      secretHeader: {
        name: secretHeader,
        secrets: [{ sha256: createHash('sha256').update(gatewaySecret).digest('base64url') }],
      },
    },
    originatesTLS: true,
  })

/** Who the partners let in. Nobody else is named. */
export const allowed = ['ada', 'grace'] as const

const partner = (name: PartnerName, credential: object, more: object = {}): Document =>
  document('Partner', name, {
    destinations: { hosts: [hosts[name]], paths: ['/v1/**'], methods: ['GET', 'POST'] },
    allow: [{ subjects: allowed.map((sub) => `user:${sub}`) }],
    credential,
    ...more,
  })

const apiKey = { type: 'api-key', value: { env: 'PARTNER_KEY' } }

const clientCredentials = (provider: string, secret: string) => ({
  type: 'client-credentials',
  tokenEndpoint: provider + paths.token,
  clientAuth: {
    method: 'client_secret_basic',
    clientId: clients.outwardBasic.client_id,
    clientSecret: { env: secret },
  },
  scopes: ['orders:read'],
  resource: dragomanAudience,
})

const people = trustMap('people', {
  source: { oidc: { issuer: issuerId, audiences: [audience], types: ['access_token'], jwksFile: 'idp.jwks.json' } },
  rules: [
    { name: 'everybody', identity: { type: 'user', subject: { claim: 'sub', prefix: 'user:' } }, grant: grantOfOrders },
  ],
})

/** Who has a token of ours is the one of that token at the way out. */
const inside = trustMap('inside', {
  source: { canonical: { audiences: [orders] } },
  rules: [{ name: 'bearers', identity: 'same', grant: grantOfOrders }],
})

/** All documents of dragoman behind a gateway of `dialect`, where `provider` is the issuer that partners trust. */
export const documentsAtTheWayOut = (dialect: EgressDialect, provider: string): readonly Document[] => [
  people,
  inside,
  callerDocument(['people']),
  gateway(dialect),
  partner('keys', apiKey),
  partner('header', apiKey, { inject: { headers: [{ name: 'X-Api-Key', from: 'value' }] } }),
  partner('both', apiKey, { inject: { removeHeaders: ['X-Api-Key'] } }),
  partner('tokens', clientCredentials(provider, 'PROVIDER_SECRET')),
  partner('wrong', clientCredentials(provider, 'WRONG_SECRET')),
  partner('down', clientCredentials('http://127.0.0.1:1', 'PROVIDER_SECRET')),
]
