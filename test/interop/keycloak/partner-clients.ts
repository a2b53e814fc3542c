import type { JWK } from 'jose'
import * as z from 'zod'
import { password } from './realms.ts'
import { administer, issuerOf } from './running-keycloak.ts'

/** What Keycloak knows of dragoman where it is the partner: clients of every authentication, and our issuer. */

export const partnerRealm = 'es256'

/** The scope that some of the clients may ask for. */
export const partnerScope = 'orders'

export const partnerClients = {
  bySecret: 'dragoman-by-secret',
  byPostedSecret: 'dragoman-by-posted-secret',
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
  // The first says `sub`, the second `client_id`.
  defaultClientScopes: ['basic', 'service_account'],
  optionalClientScopes: [partnerScope],
  ...more,
})

const add = (what: string, body: object) => administer('POST', `${partnerRealm}/${what}`, body)

/** Keycloak takes the secret in either place unless it is told in which. */
const onlyBy = (method: string) => ({ attributes: { 'client.secret.authentication.allowed.method': method } })

const mayAssert = {
  'oauth2.jwt.authorization.grant.enabled': 'true',
  'oauth2.jwt.authorization.grant.idp': ourAlias,
}

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
  await add('clients', client(partnerClients.bySecret, onlyBy('client_secret_basic')))
  await add('clients', client(partnerClients.byPostedSecret, onlyBy('client_secret_post')))
  await add('clients', client(partnerClients.byKey, byKey(key)))
  await add(
    'clients',
    client(partnerClients.exchanging, {
      attributes: { 'standard.token.exchange.enabled': 'true', ...mayAssert },
      protocolMappers: [
        audienceOf('to-exchange', partnerClients.exchanging),
        audienceOf('exchanged-for', partnerClients.target),
      ],
    }),
  )
  await add('clients', client(partnerClients.granted, { attributes: mayAssert }))
}

const withId = z.looseObject({ id: z.string() })

/** The id of the one that this finds. */
const idAt = async (query: string): Promise<string> => {
  const [{ id }] = z.tuple([withId]).parse(await administer('GET', `${partnerRealm}/${query}`))
  return id
}

/** `sub` of what a client gets for itself: Keycloak has a user for each. */
export const serviceAccountOf = async (clientId: string): Promise<string> => {
  const path = `clients/${await idAt(`clients?clientId=${clientId}`)}/service-account-user`
  return withId.parse(await administer('GET', `${partnerRealm}/${path}`)).id
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
  await add(`users/${await idAt('users?username=alice&exact=true')}/federated-identity/${ourAlias}`, {
    identityProvider: ourAlias,
    userId: subject,
    userName: subject,
  })
}

export const tokenEndpoint = `${issuerOf(partnerRealm)}/protocol/openid-connect/token`
