/** The realms that Keycloak imports: the same people and clients, once with RS256 and once with ES256. */

export const audience = 'https://dragoman.example'

/** Guards nothing: these accounts live as long as one test run, on the loopback interface. */
export const password = 'interop-of-dragoman'
export const administrator = 'interop-administrator'

export const realmNames = ['rs256', 'es256'] as const
export type RealmName = (typeof realmNames)[number]

/** `web` is a client whose tokens carry dragoman's audience; tokens of `elsewhere` do not. */
export const clients = { web: 'orders-web', elsewhere: 'elsewhere' } as const

export const users = {
  alice: { groups: ['/engineering'], roles: ['orders-reader'] },
  bob: { groups: [], roles: [] },
} as const
export type User = keyof typeof users

const openid = (name: string, protocolMapper: string, config: Record<string, string>) => ({
  name,
  protocol: 'openid-connect',
  protocolMapper,
  config: { 'access.token.claim': 'true', 'id.token.claim': 'true', ...config },
})

const mappers = [
  openid('dragoman-audience', 'oidc-audience-mapper', { 'included.custom.audience': audience }),
  openid('groups', 'oidc-group-membership-mapper', { 'claim.name': 'groups', 'full.path': 'true' }),
]

const client = (clientId: string, protocolMappers: readonly unknown[]) => ({
  clientId,
  secret: password,
  protocolMappers,
  publicClient: false,
  standardFlowEnabled: false,
  directAccessGrantsEnabled: true,
  serviceAccountsEnabled: true,
})

const user = (username: User) => ({
  username,
  enabled: true,
  email: `${username}@acme.example`,
  emailVerified: true,
  firstName: username,
  lastName: 'Acme',
  credentials: [{ type: 'password', value: password, temporary: false }],
  groups: users[username].groups,
  realmRoles: users[username].roles,
})

const signing = {
  rs256: { algorithm: 'RS256', providerId: 'rsa-generated' },
  es256: { algorithm: 'ES256', providerId: 'ecdsa-generated' },
} as const

/** A key provider of a realm, as a component: Keycloak generates the key. The highest priority signs. */
export const keyProvider = (realm: RealmName, name: string, priority: number) => {
  const { algorithm, providerId } = signing[realm]
  const shape = realm === 'rs256' ? { algorithm: [algorithm] } : { ecdsaEllipticCurveKey: ['P-256'] }
  return {
    name,
    providerId,
    providerType: 'org.keycloak.keys.KeyProvider',
    config: { priority: [String(priority)], ...shape },
  }
}

/** What goes into the import folder as `<name>.json`. */
export const realm = (name: RealmName) => {
  const { providerType, ...key } = keyProvider(name, 'first', 100)
  return {
    realm: name,
    id: name,
    enabled: true,
    sslRequired: 'none',
    defaultSignatureAlgorithm: signing[name].algorithm,
    accessTokenLifespan: 900,
    roles: { realm: [{ name: 'orders-reader' }] },
    groups: [{ name: 'engineering' }],
    clients: [client(clients.web, mappers), client(clients.elsewhere, [])],
    users: [user('alice'), user('bob')],
    components: { [providerType]: [key] },
  }
}
