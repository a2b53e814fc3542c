import type { Desk } from '../desk.ts'
import { below, paths } from '../domain/endpoints.ts'
import { grants } from '../gateways/token-endpoint.ts'
import { type Jwks, jwksOf, lastChangeOf, svidKeysOf } from '../mint/keyring.ts'

/** How long a verifier may keep our key set; a rotation publishes the next key for longer than this before it signs. */
export const jwksMaxAge = 300

/** The keys that our tokens are verified with, now. */
export const publishedKeys = (desk: Desk): Jwks => jwksOf(desk.keyring(), desk.ports.clock.now())

/** RFC 8414 section 2: what is true of this deployment now. A member that would be empty is left out. */
export const authorizationServerMetadata = (desk: Desk) => {
  const methods = new Set(
    [...desk.registrations.values()].flatMap((client) => client.methods.map(({ authenticator }) => authenticator.kind)),
  )
  const algorithms = methods.has('private_key_jwt') ? assertionAlgorithms(desk) : []
  const supported = [...methods].toSorted()
  return {
    issuer: desk.issuer,
    token_endpoint: below(desk.issuer, paths.token),
    introspection_endpoint: below(desk.issuer, paths.introspection),
    jwks_uri: below(desk.issuer, paths.jwks),
    grant_types_supported: grantTypes(desk),
    ...(methods.size === 0
      ? {}
      : {
          token_endpoint_auth_methods_supported: supported,
          introspection_endpoint_auth_methods_supported: supported,
        }),
    ...(algorithms.length === 0
      ? {}
      : {
          token_endpoint_auth_signing_alg_values_supported: algorithms,
          introspection_endpoint_auth_signing_alg_values_supported: algorithms,
        }),
    ...(bindsTokens(desk) ? { tls_client_certificate_bound_access_tokens: true } : {}),
    ...aliases(desk),
  }
}

/** A grant for one type of credential is there when some trust map that is not disabled reads that type. */
const grantTypes = ({ sources }: Desk): readonly string[] => {
  const readable = new Set(sources.all.flatMap(({ verifier }) => verifier.tokenTypes))
  return grants
    .filter(({ credentialType }) => credentialType === undefined || readable.has(credentialType))
    .map(({ type }) => type)
}

/** RFC 8705 section 3.3: some rule binds its tokens to certificates. */
const bindsTokens = ({ trust }: Desk): boolean =>
  trust.maps.some(({ rules }) => rules.some(({ allowance }) => allowance.senderConstraint === 'mtls'))

/** RFC 8705 section 5: where clients with certificates find the endpoints, if not where everybody does. */
const aliases = ({ mtlsAlias }: Desk) =>
  mtlsAlias === undefined
    ? {}
    : {
        mtls_endpoint_aliases: {
          token_endpoint: below(mtlsAlias, paths.token),
          introspection_endpoint: below(mtlsAlias, paths.introspection),
        },
      }

/**
 * The bundle of our own trust domain (SPIFFE Trust Domain and Bundle, section 4); undefined where there is none. It
 * holds keys for JWT-SVIDs only, since we issue no X.509-SVIDs.
 */
export const spiffeBundle = (desk: Desk) => {
  if (desk.trustDomain === undefined) return undefined
  const now = desk.ports.clock.now()
  return {
    keys: svidKeysOf(desk.keyring(), now),
    spiffe_sequence: lastChangeOf(desk.keyring(), now),
    spiffe_refresh_hint: jwksMaxAge,
  }
}

const assertionAlgorithms = (desk: Desk): readonly string[] => {
  const configs = [...desk.trust.clients.values()].flatMap((client) => client.authentication)
  const named = configs
    .filter(({ kind }) => kind === 'private_key_jwt')
    .flatMap(({ config }) => (config as { algorithms?: readonly string[] }).algorithms ?? [])
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
