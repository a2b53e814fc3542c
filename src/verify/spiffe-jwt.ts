import type { Claims } from '../domain/claims.ts'
import { type Credential, proven, type VerifiedCredential } from '../domain/credential.ts'
import { Refusal } from '../domain/refusal.ts'
import { claimsToBeSpiffeId, type SpiffeId, trustDomainId } from '../domain/spiffe-id.ts'
import type { Instant } from '../domain/time.ts'
import { note, type Trace } from '../domain/trace.ts'
import type { SignatureHeader } from '../formats/jws-header.ts'
import { JwtSvidError, jwtSvidHeader, workloadId } from '../formats/jwt-svid.ts'
import { audienceOf, claim, optionalText } from './claim-shapes.ts'
import { requireTokenSignature } from './jwt-signature.ts'
import { lastingToken } from './lasting-token.ts'
import { checkTimes, refuseUnproven } from './oidc-claims.ts'
import { type ParsedJwt, presentedJwt } from './presented-jwt.ts'
import { bundleFor, type Prepared, requireType, spiffeClaim } from './spiffe-claims.ts'
import type { SpiffeConfig } from './spiffe-config.ts'
import type { Lasting, Tools } from './verifier.ts'

/** A JWT whose subject is a SPIFFE ID, taken apart. */
export interface PresentedJwtSvid extends ParsedJwt {
  readonly svid: 'jwt'
  readonly id: SpiffeId
}

/**
 * Reads a JWT whose `sub` means to be a SPIFFE ID; any other is not ours.
 *
 * @throws Refusal `credential.too_large`, `credential.malformed`, `credential.claim_invalid`
 */
export const readJwtSvid = (credential: Credential): PresentedJwtSvid | undefined => {
  const { jws, claims } = presentedJwt(credential)
  const sub = claim(claims, 'sub')
  if (typeof sub !== 'string' || !claimsToBeSpiffeId(sub)) return undefined
  const id = workloadId(sub)
  if (id === undefined) throw new Refusal('credential.claim_invalid', 'sub is not the SPIFFE ID of a workload')
  return { svid: 'jwt', id, jws, claims }
}

/** What a JWT-SVID says to be for. Not believed. */
export const audiencesOfJwtSvid = ({ claims }: PresentedJwtSvid): readonly string[] =>
  [claim(claims, 'aud')].flat().filter((value) => typeof value === 'string')

/**
 * Proves a JWT-SVID by the keys that its own trust domain publishes for JWT-SVIDs (JWT-SVID sections 2 to 4).
 *
 * @throws Refusal `credential.*`, `issuer.unknown`, `keys.unavailable`
 */
export const verifyJwtSvid = async (
  { id, jws, claims }: PresentedJwtSvid,
  prepared: Prepared,
  now: Instant,
  tools: Tools,
  trace: Trace,
): Promise<VerifiedCredential> => {
  const { config } = prepared
  requireType('jwt-svid', config)
  const bundle = bundleFor(id, prepared)
  const wanted = { keySet: bundle.jwtKeys, algorithms: config.algorithms, signer: 'the trust domain' }
  await requireTokenSignature(jws, readHeader(jws.header, config), wanted, now, tools, trace)
  const accepted = acceptSvidClaims(claims, config, now)
  note(trace, { stage: 'verify', check: 'claims', ok: true, wanted: 'audience and times as the map says' })
  return proven({
    kind: 'spiffe',
    issuer: trustDomainId(id.trustDomain),
    subject: id.text,
    claims: { ...claims, spiffe: spiffeClaim(id), svid: 'jwt' },
    header: jws.header,
    ...accepted,
  })
}

/** For how long a JWT-SVID lasts that has just been proven. */
export const lastingJwtSvid = (
  { id, jws }: PresentedJwtSvid,
  prepared: Prepared,
  expiresAt: Instant,
): Lasting | undefined =>
  lastingToken(jws, readHeader(jws.header, prepared.config), bundleFor(id, prepared).jwtKeys, expiresAt)

const reasonOfHeader = {
  type: 'credential.type_mismatch',
  parameter: 'credential.header_not_allowed',
  algorithm: 'credential.algorithm_not_allowed',
  kid: 'credential.malformed',
} as const

const readHeader = (header: Claims, config: SpiffeConfig): SignatureHeader => {
  try {
    return jwtSvidHeader(header, config.algorithms)
  } catch (cause) {
    if (!(cause instanceof JwtSvidError)) throw cause
    throw new Refusal(reasonOfHeader[cause.fault], cause.message, { cause })
  }
}

/**
 * Judges the claims beside `sub`: `aud` and `exp` are required (JWT-SVID section 3).
 *
 * @throws Refusal `credential.*`
 */
export const acceptSvidClaims = (claims: Claims, config: SpiffeConfig, now: Instant) => {
  const audience = audienceOf(claims, ['aud'])
  if (!audience.some((one) => config.audiences?.includes(one)))
    throw new Refusal(
      'credential.audience_mismatch',
      'the SVID is meant for none of the audiences that the map accepts',
    )
  const times = checkTimes(claims, { skew: config.clockSkew, maxLifetime: config.maxLifetime }, now)
  refuseUnproven(claims)
  if (claim(claims, 'cnf') !== undefined)
    throw new Refusal('credential.confirmation_required', 'cnf binds the token to a key: it is not a JWT-SVID')
  const id = optionalText(claims, 'jti')
  return { audience, ...times, ...(id === undefined ? {} : { id }) }
}
