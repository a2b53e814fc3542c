/**
 * The realms that Keycloak imports: the same people and clients, once with RS256 and once with ES256, and the same people
 * for SAML, whose clients the tests add.
 */

export const audience = 'https://dragoman.example'

/** Guards nothing: these accounts live as long as one test run, on the loopback interface. */
export const password = 'interop-of-dragoman'
export const administrator = 'interop-administrator'

/** Those for OpenID Connect. */
export const realmNames = ['rs256', 'es256'] as const
export const samlRealm = 'saml'
export type RealmName = (typeof realmNames)[number] | typeof samlRealm

/** `web` is a client whose tokens carry dragoman's audience; tokens of `elsewhere` do not. */
export const clients = { web: 'orders-web', elsewhere: 'elsewhere' } as const

export const users = {
  alice: { groups: ['/engineering', '/on-call'], roles: ['orders-reader', 'orders-writer'] },
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
  [samlRealm]: { algorithm: 'RS256', providerId: 'rsa-generated' },
} as const

/** The key that a realm begins with. */
export const firstKey = 'first'

/** A key provider of a realm, as a component: Keycloak generates the key. The highest priority signs. */
export const keyProvider = (realm: RealmName, name: string, priority: number) => {
  const { algorithm, providerId } = signing[realm]
  const shape = realm === 'es256' ? { ecdsaEllipticCurveKey: ['P-256'] } : { algorithm: [algorithm] }
  return {
    name,
    providerId,
    providerType: 'org.keycloak.keys.KeyProvider',
    config: { priority: [String(priority)], ...shape },
  }
}

const realm = (name: RealmName) => {
  const { providerType, ...key } = keyProvider(name, firstKey, 100)
  return {
    realm: name,
    id: name,
    enabled: true,
    sslRequired: 'none',
    defaultSignatureAlgorithm: signing[name].algorithm,
    accessTokenLifespan: 900,
    roles: { realm: users.alice.roles.map((role) => ({ name: role })) },
    groups: [{ name: 'engineering' }, { name: 'on-call' }],
    clients: [client(clients.web, mappers), client(clients.elsewhere, [])],
    users: [user('alice'), user('bob')],
    components: { [providerType]: [key] },
  }
}

/** What goes into the import folder, each as `<realm>.json`. */
export const realms = ([...realmNames, samlRealm] as const).map(realm)
