import * as z from 'zod'
import type { Claims, Json } from '../domain/claims.ts'
import type { ClientCredential } from '../domain/exchange.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import { FormatError } from '../formats/format-error.ts'
import { type CompactJws, claimsOf, parseCompactJws } from '../formats/jws.ts'
import { HeaderError, type SignatureHeader, signatureHeader } from '../formats/jws-header.ts'
import { url } from '../formats/settings.ts'
import { type JwsAlgorithm, jwsAlgorithms } from '../ports/signatures.ts'
import type { KeySet } from '../sources/key-sets.ts'
import { checkSignature } from '../sources/signature-check.ts'
import type { Authenticator, Tools } from './authenticator.ts'

const schema = z.strictObject({
  method: z.literal('private_key_jwt'),
  jwks: z
    .looseObject({ keys: z.array(z.record(z.string(), z.json())).min(1) })
    .optional()
    .meta({ description: "The client's public keys." }),
  jwksFile: z.string().min(1).optional().meta({ description: 'A file with them, relative to the documents.' }),
  jwksURI: url.optional().meta({ description: 'Where the client publishes them.' }),
  allowHosts: z.array(z.string().min(1)).optional(),
  algorithms: z
    .array(z.enum(jwsAlgorithms))
    .min(1)
    .default(['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'])
    .meta({ description: 'The signature algorithms that are accepted.' }),
})

type KeyConfig = z.output<typeof schema>

interface Prepared {
  readonly keySet: KeySet
  readonly algorithms: readonly JwsAlgorithm[]
}

const maxAssertionLength = 8_192
const skew: Seconds = 30
/** An assertion is made for one request; one that is good for longer is a standing password. */
const maxLifetime: Seconds = 600
const acceptedTypes = ['jwt', 'client-authentication+jwt', 'application/client-authentication+jwt']

const invalid = (detail: string, cause?: unknown) => new Refusal('client.credential_invalid', detail, { cause })

/** A JWT signed with the client's private key (RFC 7523 sections 2.2 and 3, as updated by rfc7523bis). */
export const privateKeyJwt: Authenticator<KeyConfig, Prepared> = {
  kind: 'private_key_jwt',
  schema,

  lint(config) {
    const given = [config.jwks, config.jwksFile, config.jwksURI].filter((place) => place !== undefined)
    return given.length === 1
      ? []
      : [{ path: '', message: 'name exactly one of jwks, jwksFile, jwksURI', fix: 'jwksFile: client.jwks.json' }]
  },

  async prepare(config, tools) {
    const shared = { algorithms: config.algorithms, staleFor: 3_600, allowHosts: config.allowHosts ?? [] }
    return { algorithms: config.algorithms, keySet: tools.keySets.open({ ...shared, ...keyPlace(config) }) }
  },

  keySets: (prepared) => [prepared.keySet],

  async authenticate(credential, clientId, prepared, now, tools) {
    const { jws, claims } = readAssertion(credential)
    await requireSignature(jws, prepared, now, tools)
    const { id, expiresAt } = checkClaims(claims, clientId, tools.issuer, now)
    if (!(await claimOnce(clientId, id, expiresAt, now, tools)))
      throw new Refusal('client.assertion_replayed', `the assertion of ${clientId} was seen before`)
  },
}

const keyPlace = (config: KeyConfig) => {
  if (config.jwks !== undefined) return { jwks: config.jwks as Claims }
  if (config.jwksFile !== undefined) return { jwksFile: config.jwksFile }
  return { jwksURI: config.jwksURI ?? '' }
}

interface Assertion {
  readonly jws: CompactJws
  readonly claims: Claims
}

/** An assertion is read to learn whose it is and again to verify it; it is taken apart once. */
const readings = new WeakMap<ClientCredential, Assertion>()

const readAssertion = (credential: ClientCredential): Assertion => {
  const known = readings.get(credential)
  if (known !== undefined) return known
  const assertion = takeApart(credential)
  readings.set(credential, assertion)
  return assertion
}

const takeApart = (credential: ClientCredential): Assertion => {
  if (!('assertion' in credential)) throw new Refusal('client.method_not_registered', 'no assertion was presented')
  const raw = credential.assertion.reveal()
  if (raw.length > maxAssertionLength) throw invalid('the assertion is too long')
  try {
    const jws = parseCompactJws(raw)
    return { jws, claims: claimsOf(jws) }
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw invalid('the assertion is malformed', cause)
  }
}

/** The client that an assertion says it is of, by its `sub` (RFC 7523 section 3). Not believed. */
export const claimedClient = (credential: ClientCredential): string => {
  const { sub } = readAssertion(credential).claims
  if (typeof sub !== 'string') throw invalid('the assertion has no sub')
  return sub
}

const requireSignature = async (jws: CompactJws, prepared: Prepared, now: Instant, tools: Tools): Promise<void> => {
  const { typ } = jws.header
  if (typ !== undefined && (typeof typ !== 'string' || !acceptedTypes.includes(typ.toLowerCase())))
    throw invalid('typ is not that of a client assertion')
  const header = readHeader(jws, prepared)
  const verdict = await checkSignature(jws, header, prepared.keySet, tools.ports.signatures, now)
  if (!verdict.holds) throw invalid(`the assertion: ${verdict.because}`)
}

const readHeader = (jws: CompactJws, prepared: Prepared): SignatureHeader => {
  try {
    return signatureHeader(jws.header, prepared.algorithms)
  } catch (cause) {
    if (!(cause instanceof HeaderError)) throw cause
    throw invalid(cause.message, cause)
  }
}

const checkClaims = (
  claims: Claims,
  clientId: string,
  issuer: string,
  now: Instant,
): { readonly id: string; readonly expiresAt: Instant } => {
  const { iss, sub, aud, exp, nbf, iat, jti } = claims
  if (iss !== clientId || sub !== clientId) throw invalid('iss and sub must both be the client_id')
  if (!isSoleAudience(aud, issuer)) throw invalid(`aud must be ${issuer} and nothing else`)
  if (typeof exp !== 'number' || !Number.isFinite(exp)) throw invalid('exp is missing or not a NumericDate')
  if (now >= exp + skew) throw invalid('the assertion has expired')
  if (exp > now + maxLifetime + skew) throw invalid(`the assertion is valid for more than ${maxLifetime} s`)
  for (const time of [nbf, iat])
    if (time !== undefined && (typeof time !== 'number' || time > now + skew))
      throw invalid('nbf or iat is in the future')
  if (typeof jti !== 'string' || jti === '' || jti.length > 512) throw invalid('jti is missing')
  return { id: jti, expiresAt: exp + skew }
}

/** Our issuer identifier as the sole value; the token endpoint's URL is not accepted (rfc7523bis section 3). */
const isSoleAudience = (aud: Json | undefined, issuer: string): boolean => {
  const [only, ...others] = [aud].flat()
  return only === issuer && others.length === 0
}

const claimOnce = async (clientId: string, id: string, until: Instant, now: Instant, tools: Tools) => {
  try {
    return await tools.ports.replay.once(`private_key_jwt:${clientId}`, id, until, now)
  } catch (cause) {
    throw new Refusal('store.unavailable', 'the replay guard does not answer', { cause })
  }
}
