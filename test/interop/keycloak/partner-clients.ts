import type { JWK } from 'jose'
import { password } from './realms.ts'
import { administer, issuerOf } from './running-keycloak.ts'

/** What Keycloak knows of dragoman where it is the partner: clients of every authentication, and our issuer. */

export const partnerRealm = 'es256'

/** The scope that some of the clients may ask for. */
export const partnerScope = 'orders'

export const partnerClients = {
  bySecret: 'dragoman-by-secret',
  byKey: 'dragoman-by-key',
  exchanging: 'dragoman-exchanging',
  granted: 'dragoman-granted',
  /** Not ours: what tokens are exchanged for. */
  target: 'billing',
} as const

/** The alias of the identity provider that is dragoman. */
const ourAlias = 'dragoman'

const client = (clientId: string, more: object = {}) => ({
  clientId,
  secret: password,
  publicClient: false,
  standardFlowEnabled: false,
  serviceAccountsEnabled: true,
  defaultClientScopes: ['basic'],
  optionalClientScopes: [partnerScope],
  ...more,
})

const add = (what: string, body: object) => administer('POST', `${partnerRealm}/${what}`, body)

const byKey = (key: JWK) => ({
  clientAuthenticatorType: 'client-jwt',
  attributes: {
    'use.jwks.string': 'true',
    'jwks.string': JSON.stringify({ keys: [key] }),
    'token.endpoint.auth.signing.alg': 'ES256',
  },
})

const audienceOf = (name: string, audience: string) => ({
  name,
  protocol: 'openid-connect',
  protocolMapper: 'oidc-audience-mapper',
  config: { 'included.client.audience': audience, 'access.token.claim': 'true' },
})

/** Registers the clients; `key` is the public half of ours. */
export const registerClients = async (key: JWK): Promise<void> => {
  await add('client-scopes', {
    name: partnerScope,
    protocol: 'openid-connect',
    attributes: { 'include.in.token.scope': 'true' },
  })
  await add('clients', client(partnerClients.target))
  await add('clients', client(partnerClients.bySecret))
  await add('clients', client(partnerClients.byKey, byKey(key)))
  await add(
    'clients',
    client(partnerClients.exchanging, {
      attributes: { 'standard.token.exchange.enabled': 'true' },
      protocolMappers: [
        audienceOf('to-exchange', partnerClients.exchanging),
        audienceOf('exchanged-for', partnerClients.target),
      ],
    }),
  )
  await add(
    'clients',
    client(partnerClients.granted, {
      attributes: { 'oauth2.jwt.authorization.grant.enabled': 'true', 'oauth2.jwt.authorization.grant.idp': ourAlias },
    }),
  )
}

/** Makes dragoman known as an identity provider whose assertions are taken (RFC 7523), and alice there as `subject`. */
export const trustUs = async (issuer: string, subject: string): Promise<void> => {
  await add('identity-provider/instances', {
    alias: ourAlias,
    providerId: 'jwt-authorization-grant',
    enabled: true,
    config: {
      issuer,
      useJwksUrl: 'true',
      jwksUrl: `${issuer}/jwks.json`,
      jwtAuthorizationGrantEnabled: 'true',
      jwtAuthorizationGrantAssertionSignatureAlg: 'ES256',
    },
  })
  const [alice] = (await administer('GET', `${partnerRealm}/users?username=alice&exact=true`)) as [{ id: string }]
  await add(`users/${alice.id}/federated-identity/${ourAlias}`, {
    identityProvider: ourAlias,
    userId: subject,
    userName: subject,
  })
}

export const tokenEndpoint = `${issuerOf(partnerRealm)}/protocol/openid-connect/token`
