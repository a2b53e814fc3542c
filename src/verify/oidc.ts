import { type Credential, proven, type VerifiedCredential } from '../domain/credential.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Secret } from '../domain/secret.ts'
import type { Instant } from '../domain/time.ts'
import { tokenTypes } from '../domain/token-type.ts'
import { note, type Trace } from '../domain/trace.ts'
import { looksLikeJws } from '../formats/jws.ts'
import { type IntrospectionSpec, introspect } from '../sources/introspection.ts'
import type { KeySet } from '../sources/key-sets.ts'
import { claim, optionalText } from './claim-shapes.ts'
import { requireTokenSignature, tokenHeader } from './jwt-signature.ts'
import { endOfProof, lastingToken } from './lasting-token.ts'
import { acceptClaims, checkOidcClaims } from './oidc-claims.ts'
import {
  audienceClaimsOf,
  issuersOf,
  lintOidc,
  type OidcConfig,
  oidcSchema,
  type TokenForm,
  timeLimitsOf,
} from './oidc-config.ts'
import { type ParsedJwt, presentedJwt, requireTokenLength } from './presented-jwt.ts'
import type { Tools, Verifier } from './verifier.ts'

/** A signed token taken apart, or an opaque one of which only its issuer can tell what it says. */
type Presented =
  | ({ readonly signed: true; readonly form: TokenForm } & ParsedJwt)
  | { readonly signed: false; readonly raw: Secret<string> }

interface Prepared {
  readonly config: OidcConfig
  readonly keySets: ReadonlyMap<string, KeySet>
  readonly introspection?: IntrospectionSpec
}

const formOfType: ReadonlyMap<string, TokenForm> = new Map([
  [tokenTypes.idToken, 'id_token'],
  [tokenTypes.accessToken, 'access_token'],
  [tokenTypes.jwt, 'jwt'],
])

/** ID tokens (OpenID Connect Core), JWT access tokens (RFC 9068 and its forerunners), opaque ones by RFC 7662. */
export const oidc: Verifier<OidcConfig, Presented, Prepared> = {
  kind: 'oidc',
  tokenTypes: [...formOfType.keys()],
  schema: oidcSchema,
  issuers: issuersOf,
  audiences: (config) => config.audiences,
  clients: (config) => config.clients,
  lint: lintOidc,

  async prepare(config, tools) {
    const shared = { algorithms: config.algorithms, staleFor: config.staleKeys, allowHosts: config.allowHosts ?? [] }
    const open = (issuer: string) => tools.keySets.open({ ...shared, ...keyPlace(config, issuer) })
    const introspection = await introspectionOf(config, tools)
    return {
      config,
      keySets: new Map(issuersOf(config).map((issuer) => [issuer, open(issuer)])),
      ...(introspection === undefined ? {} : { introspection }),
    }
  },

  keySets: (prepared) => [...prepared.keySets.values()],

  read(credential) {
    const form = formOfType.get(credential.type)
    if (form === undefined) return undefined
    const raw = credential.raw.reveal()
    requireTokenLength(raw)
    if (form === 'access_token' && !looksLikeJws(raw)) return readOpaque(credential)
    return { signed: true, form, ...presentedJwt(credential) }
  },

  issuerOf: (presented) => (presented.signed ? optionalText(presented.claims, 'iss', 2_048) : undefined),

  audiencesOf(presented, prepared) {
    if (!presented.signed) return prepared.introspection === undefined ? [] : prepared.config.audiences
    const names = audienceClaimsOf(prepared.config)
    const named = names.map((name) => claim(presented.claims, name)).find((value) => value !== undefined)
    return [named].flat().filter((value) => typeof value === 'string')
  },

  verify(presented, prepared, now, tools, trace) {
    return presented.signed
      ? verifySigned(presented, prepared, now, tools, trace)
      : verifyOpaque(presented.raw, prepared, now, tools, trace)
  },

  lasting(presented, { config, keySets }, verified) {
    const keySet = keySets.get(verified.issuer)
    if (!presented.signed || keySet === undefined) return undefined
    const header = tokenHeader(presented.jws.header, config.algorithms)
    return lastingToken(presented.jws, header, keySet, endOfProof(verified, timeLimitsOf(config)))
  },
}

const keyPlace = (config: OidcConfig, issuer: string) => {
  if (config.jwksFile !== undefined) return { jwksFile: config.jwksFile }
  if (config.jwksURI !== undefined) return { jwksURI: config.jwksURI }
  return { issuer, ...(config.discoveryURL === undefined ? {} : { discoveryURL: config.discoveryURL }) }
}

const introspectionOf = async (config: OidcConfig, tools: Tools): Promise<IntrospectionSpec | undefined> => {
  const [issuer] = issuersOf(config)
  if (config.introspection === undefined || issuer === undefined) return undefined
  const { endpoint, clientId, clientSecret, method } = config.introspection
  return {
    issuer,
    clientId,
    clientSecret: await tools.ports.secrets.read(clientSecret),
    method,
    allowHosts: config.allowHosts ?? [],
    ...(endpoint === undefined ? {} : { endpoint }),
  }
}

const opaqueToken = /^[\x21-\x7e]+$/

const readOpaque = (credential: Credential): Presented => {
  if (!opaqueToken.test(credential.raw.reveal())) throw new Refusal('credential.malformed', 'not an access token')
  return { signed: false, raw: credential.raw }
}

const verifySigned = async (
  presented: Extract<Presented, { signed: true }>,
  prepared: Prepared,
  now: Instant,
  tools: Tools,
  trace: Trace,
): Promise<VerifiedCredential> => {
  const { jws, claims, form } = presented
  const { config } = prepared
  const issuer = optionalText(claims, 'iss', 2_048) ?? ''
  const keySet = prepared.keySets.get(issuer)
  if (keySet === undefined) throw new Refusal('issuer.unknown', 'the map does not name this issuer')
  const wanted = { keySet, algorithms: config.algorithms, signer: 'the issuer' }
  await requireTokenSignature(jws, tokenHeader(jws.header, config.algorithms), wanted, now, tools, trace)
  const accepted = checkOidcClaims(form, jws.header, claims, config, now)
  note(trace, { stage: 'verify', check: 'claims', ok: true, wanted: 'form, audience and times as the map says' })
  return proven({ kind: oidc.kind, issuer, claims, header: jws.header, ...accepted })
}

const verifyOpaque = async (
  raw: Secret<string>,
  prepared: Prepared,
  now: Instant,
  tools: Tools,
  trace: Trace,
): Promise<VerifiedCredential> => {
  const spec = prepared.introspection
  if (spec === undefined)
    throw new Refusal('credential.malformed', 'the token is opaque and the map has no introspection')
  const answer = await introspect(spec, raw, tools.outbound)
  if (claim(answer, 'active') !== true) throw new Refusal('credential.inactive', 'the issuer says it is not active')
  const { active: _, ...claims } = answer
  const issuer = optionalText(claims, 'iss', 2_048) ?? spec.issuer
  if (issuer !== spec.issuer) throw new Refusal('issuer.unknown', 'the introspection answer names another issuer')
  trace.issuer = issuer
  const accepted = acceptClaims(claims, prepared.config, now)
  return proven({ kind: oidc.kind, issuer, claims, header: {}, ...accepted })
}
