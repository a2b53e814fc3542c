import type { SigningKey } from './signing-keys.ts'

/** Who and what the provider of the tests knows. Both its own process and the tests read this file. */

/** The resource indicator (RFC 8707) and so the audience of access tokens that are meant for dragoman. */
export const dragomanAudience = 'https://dragoman.example'

export const redirectUri = 'https://web.example/callback'

export const users = {
  alice: {
    email: 'alice@acme.example',
    email_verified: true,
    name: 'Alice Archer',
    groups: ['engineering', 'on-call'],
  },
  bob: { email: 'bob@acme.example', email_verified: false, name: 'Bob Baker', groups: ['sales'] },
} as const

export type User = keyof typeof users

const isUser = (id: string): id is User => Object.hasOwn(users, id)

/** The secret of every client of this provider: it guards nothing. */
export const clientSecret = 'a-client-of-the-test-world'

/** A client whose ID tokens are signed with `alg`; its access tokens for dragoman are JWTs (RFC 9068). */
const webClient = (id: string, alg: string) => ({
  client_id: id,
  client_secret: clientSecret,
  grant_types: ['authorization_code'],
  response_types: ['code'],
  redirect_uris: [redirectUri],
  id_token_signed_response_alg: alg,
})

/** A client without people: it gets access tokens for itself. */
const jobClient = (id: string) => ({
  client_id: id,
  client_secret: clientSecret,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
})

export const clients = {
  web: webClient('orders-web', 'RS256'),
  webES256: webClient('orders-web-es256', 'ES256'),
  /** Its access tokens are opaque: only introspection says what they mean (RFC 7662). */
  opaqueWeb: webClient('reports-web', 'RS256'),
  job: jobClient('nightly-build'),
  jobES256: jobClient('nightly-build-es256'),
  /** dragoman as a client of the provider's, at the way out. */
  outwardBasic: jobClient('dragoman-at-partner'),
  outwardPost: { ...jobClient('dragoman-at-partner-post'), token_endpoint_auth_method: 'client_secret_post' },
  /** dragoman itself, when it introspects. */
  dragoman: jobClient('dragoman'),
}

export const paths = {
  discovery: '/.well-known/openid-configuration',
  jwks: '/jwks',
  token: '/token',
  authorization: '/auth',
  introspection: '/token/introspection',
  revocation: '/token/revocation',
  registration: '/reg',
} as const

/** The parts of the library's objects that the settings touch; it ships no types. */
export interface Library {
  Grant: new (of: {
    clientId: string
    accountId: string
  }) => {
    addOIDCScope(scope: string): void
    addResourceScope(resource: string, scope: string): void
    save(): Promise<string>
  }
}

interface Context {
  readonly oidc: {
    readonly provider: Library
    readonly client: { readonly clientId: string }
    readonly session: { readonly accountId: string }
  }
}

/** Consent is not asked: whoever is signed in has agreed. */
const consent = async ({ oidc }: Context) => {
  const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
  grant.addOIDCScope('openid email groups')
  grant.addResourceScope(dragomanAudience, 'orders:read')
  await grant.save()
  return grant
}

const resourceServer = (clientId: string) => ({
  scope: 'orders:read',
  audience: dragomanAudience,
  accessTokenTTL: 600,
  accessTokenFormat: clientId === clients.opaqueWeb.client_id ? 'opaque' : 'jwt',
  jwt: { sign: { alg: clientId.endsWith('es256') ? 'ES256' : 'RS256' } },
})

const account = (id: string) => (isUser(id) ? { accountId: id, claims: () => ({ sub: id, ...users[id] }) } : undefined)

/** The configuration of oidc-provider: keys in the order of preference, no persistence, all flows without a browser. */
export const configuration = (keys: readonly SigningKey[]) => ({
  jwks: { keys },
  clients: Object.values(clients),
  cookies: { keys: ['cookies-of-the-test-world'] },
  routes: {
    jwks: paths.jwks,
    token: paths.token,
    authorization: paths.authorization,
    introspection: paths.introspection,
    revocation: paths.revocation,
    registration: paths.registration,
  },
  scopes: ['openid', 'email', 'groups'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups', 'name'] },
  conformIdTokenClaims: false,
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
  ttl: { IdToken: 600, AccessToken: 600, ClientCredentials: 600, Session: 600, Grant: 600, Interaction: 60 },
  findAccount: (_context: unknown, id: string) => account(id),
  loadExistingGrant: consent,
  interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
  extraTokenClaims: (_context: unknown, token: { kind: string }) =>
    token.kind === 'ClientCredentials' ? { repository: 'acme/orders', ref: 'refs/heads/main' } : undefined,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    registration: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context: unknown, _resource: string, client: { clientId: string }) =>
        resourceServer(client.clientId),
      useGrantedResource: () => false,
    },
  },
})
