import * as z from 'zod'
import type { Seconds } from '../domain/time.ts'
import { isSecure } from '../formats/secure-url.ts'
import { duration, durationWithin, name, secretReference, url } from '../formats/settings.ts'
import { type JwsAlgorithm, jwsAlgorithms } from '../ports/signatures.ts'

const defaultAlgorithms: readonly JwsAlgorithm[] = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']

/** The forms in which an issuer's tokens may be presented, by the last word of their RFC 8693 token type. */
export const tokenForms = ['id_token', 'access_token', 'jwt'] as const
export type TokenForm = (typeof tokenForms)[number]

const introspection = z
  .strictObject({
    endpoint: url.optional().meta({ description: 'The introspection endpoint; by default taken from discovery.' }),
    clientId: z.string().min(1).meta({ description: 'The client_id that dragoman has at the issuer.' }),
    clientSecret: secretReference,
    method: z
      .enum(['client_secret_basic', 'client_secret_post'])
      .default('client_secret_basic')
      .meta({ description: 'How dragoman authenticates itself to the issuer.' }),
  })
  .meta({ description: 'Opaque access tokens are asked about at the issuer (RFC 7662).' })

const list = (what: z.ZodString) => z.array(what).min(1)
const text = z.string().min(1).max(2048)

/** `source.oidc` of a trust map: which issuer is believed, for whom its tokens must be, and how strictly. */
export const oidcSchema = z
  .strictObject({
    issuer: url.optional().meta({ description: 'The issuer, exactly as its tokens say it in `iss`.' }),
    issuers: z.array(url).min(1).optional().meta({ description: 'Several issuers under the same rules.' }),
    issuerTemplate: z
      .string()
      .regex(/\{tid\}/, 'the template holds {tid}')
      .optional()
      .meta({ description: 'An issuer with {tid} in place of the tenant; needs `tenants`.' }),
    tenants: list(text).optional().meta({ description: 'The tenants that are believed. There is no wildcard.' }),
    audiences: list(text).meta({
      description: 'A token must be meant for one of these. Never accept tokens that were made for somebody else.',
      examples: [['https://dragoman.example.com']],
    }),
    audienceClaim: z
      .union([text, list(text)])
      .default('aud')
      .meta({ description: 'The claim, or claims in order, that hold the audience.' }),
    authorizedParties: list(text)
      .optional()
      .meta({ description: 'Values of `azp` that an ID token may carry, besides `audiences`.' }),
    discoveryURL: url.optional().meta({ description: 'Where the discovery document lies, if not at the usual place.' }),
    jwksURI: url.optional().meta({ description: 'Where the keys lie, if discovery is not to be used.' }),
    jwksFile: z.string().min(1).optional().meta({ description: 'A file with the keys, relative to the documents.' }),
    allowHosts: list(text)
      .optional()
      .meta({ description: 'Hosts that may be asked although they have private addresses.' }),
    algorithms: z
      .array(z.enum(jwsAlgorithms))
      .min(1)
      .default([...defaultAlgorithms])
      .meta({ description: 'The signature algorithms that are accepted.' }),
    types: z
      .array(z.enum(tokenForms))
      .min(1)
      .default([...tokenForms])
      .meta({ description: 'The forms in which tokens of this issuer may be presented.' }),
    headerTypes: list(text)
      .optional()
      .meta({ description: 'Values of the `typ` header that are accepted besides the standard ones.' }),
    clockSkew: durationWithin(1, 300, 'at most 5m')
      .default(60)
      .meta({ description: 'How far the clocks may be apart. Default 60s.' }),
    maxAge: duration.optional().meta({ description: 'Refuse tokens issued longer ago than this.' }),
    maxLifetime: duration
      .default(86_400)
      .meta({ description: 'Refuse tokens valid for longer than this. Default 24h.' }),
    staleKeys: duration.default(3_600).meta({
      description: 'The outage budget: how long known keys stay in use while the issuer is down. Default 1h.',
    }),
    clients: z
      .array(name)
      .min(1)
      .optional()
      .meta({ description: 'Only these Clients may present tokens of this source.' }),
    introspection: introspection.optional(),
  })
  .meta({ description: 'An OpenID provider or any issuer of signed JWTs.' })

export type OidcConfig = z.output<typeof oidcSchema>

/** Every issuer that `config` names, templates filled in. */
export const issuersOf = (config: OidcConfig): readonly string[] => [
  ...(config.issuer === undefined ? [] : [config.issuer]),
  ...(config.issuers ?? []),
  ...(config.tenants ?? []).map((tenant) => (config.issuerTemplate ?? '').replaceAll('{tid}', tenant)),
]

/** What is wrong with `config` that its schema cannot say. */
export const lintOidc = (config: OidcConfig, options: { readonly insecureLoopback: boolean }) => [
  ...issuerFaults(config),
  ...keyFaults(config),
  ...urlsOf(config)
    .filter(([, value]) => !isSecure(value, options.insecureLoopback))
    .map(([path, value]) => ({
      path,
      message: `${value} is not https`,
      fix: 'use https; plain http to this machine is possible under `dragoman dev` only',
    })),
]

const issuerFaults = (config: OidcConfig) => {
  const given = [config.issuer, config.issuers, config.issuerTemplate].filter((value) => value !== undefined)
  if (given.length !== 1)
    return [{ path: '', message: 'name exactly one of issuer, issuers, issuerTemplate', fix: 'issuer: https://…' }]
  if ((config.issuerTemplate === undefined) !== (config.tenants === undefined))
    return [{ path: 'tenants', message: 'issuerTemplate and tenants go together', fix: 'list the tenants you believe' }]
  return issuersOf(config)
    .filter((issuer) => !URL.canParse(issuer) || !/^https?:/.test(issuer))
    .map((issuer) => ({ path: 'tenants', message: `${issuer} is not a URL`, fix: 'mend the template or the tenant' }))
}

const keyFaults = (config: OidcConfig) =>
  [config.discoveryURL, config.jwksURI, config.jwksFile].filter((value) => value !== undefined).length > 1
    ? [{ path: '', message: 'name at most one of discoveryURL, jwksURI, jwksFile', fix: 'keep one' }]
    : []

const urlsOf = (config: OidcConfig): readonly (readonly [path: string, value: string])[] => [
  ...issuersOf(config).map((issuer) => ['issuer', issuer] as const),
  ...(config.discoveryURL === undefined ? [] : [['discoveryURL', config.discoveryURL] as const]),
  ...(config.jwksURI === undefined ? [] : [['jwksURI', config.jwksURI] as const]),
  ...(config.introspection?.endpoint === undefined
    ? []
    : [['introspection.endpoint', config.introspection.endpoint] as const]),
]

/** The audience claims in the order they are looked at. */
export const audienceClaimsOf = (config: OidcConfig): readonly string[] =>
  typeof config.audienceClaim === 'string' ? [config.audienceClaim] : config.audienceClaim

/** `maxLifetime` and its kin as the checks need them. */
export interface TimeLimits {
  readonly skew: Seconds
  readonly maxAge?: Seconds
  readonly maxLifetime: Seconds
}

export const timeLimitsOf = (config: OidcConfig): TimeLimits => ({
  skew: config.clockSkew,
  maxLifetime: config.maxLifetime,
  ...(config.maxAge === undefined ? {} : { maxAge: config.maxAge }),
})
