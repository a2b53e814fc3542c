import type { Desk } from '../desk.ts'
import { tokenExchangeGrant } from '../gateways/token-endpoint.ts'
import { type Jwks, jwksOf } from '../mint/keyring.ts'

/** Where things are, below our issuer. */
export const paths = {
  token: '/token',
  jwks: '/jwks.json',
  oauthMetadata: '/.well-known/oauth-authorization-server',
  openidMetadata: '/.well-known/openid-configuration',
} as const

/** How long a verifier may keep our key set; a rotation publishes the next key for longer than this before it signs. */
export const jwksMaxAge = 300

/** The keys that our tokens are verified with, now. */
export const publishedKeys = (desk: Desk): Jwks => jwksOf(desk.keyring(), desk.ports.clock.now())

const below = (issuer: string, path: string) => `${issuer.replace(/\/$/, '')}${path}`

/** RFC 8414 section 2: what is true of this deployment now. A member that would be empty is left out. */
export const authorizationServerMetadata = (desk: Desk) => {
  const methods = new Set(
    [...desk.registrations.values()].flatMap((client) => client.methods.map(({ authenticator }) => authenticator.kind)),
  )
  const algorithms = methods.has('private_key_jwt') ? assertionAlgorithms(desk) : []
  return {
    issuer: desk.issuer,
    token_endpoint: below(desk.issuer, paths.token),
    jwks_uri: below(desk.issuer, paths.jwks),
    grant_types_supported: [tokenExchangeGrant],
    ...(methods.size === 0 ? {} : { token_endpoint_auth_methods_supported: [...methods].toSorted() }),
    ...(algorithms.length === 0 ? {} : { token_endpoint_auth_signing_alg_values_supported: algorithms }),
  }
}

const assertionAlgorithms = (desk: Desk): readonly string[] => {
  const configs = [...desk.trust.clients.values()].flatMap((client) => client.authentication)
  const named = configs.flatMap(({ config }) => (config as { algorithms?: readonly string[] }).algorithms ?? [])
  return [...new Set(named)].toSorted()
}

/**
 * OpenID Connect Discovery 1.0 section 3, for verifiers that look for an issuer's keys there. Dragoman has no
 * authorization endpoint and issues no ID tokens, so it claims neither.
 */
export const openidMetadata = (desk: Desk) => ({
  ...authorizationServerMetadata(desk),
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: [...new Set(publishedKeys(desk).keys.map((key) => key['alg']))],
})
