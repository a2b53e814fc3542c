import type { Claims } from '../domain/claims.ts'
import { proven, type VerifiedCredential } from '../domain/credential.ts'
import { Refusal } from '../domain/refusal.ts'
import { type SpiffeId, trustDomainId } from '../domain/spiffe-id.ts'
import type { Instant } from '../domain/time.ts'
import { workloadId } from '../formats/jwt-svid.ts'
import { assumedLifetime } from './assumed-lifetime.ts'
import { claim, numericDate, optionalText } from './claim-shapes.ts'
import { requireType, spiffeClaim } from './spiffe-claims.ts'
import type { SpiffeConfig } from './spiffe-config.ts'
import { acceptSvidClaims } from './spiffe-jwt.ts'

/**
 * What an SVID with these claims would prove, for policy tests: a JWT-SVID if it has an audience, else an X.509-SVID. Only
 * `sub` is required of a fixture.
 *
 * @throws Refusal `credential.*`, `issuer.unknown`
 */
export const assumeSvid = (claims: Claims, config: SpiffeConfig, now: Instant): VerifiedCredential => {
  const id = workloadId(optionalText(claims, 'sub', 2_048) ?? '')
  if (id === undefined) throw new Refusal('credential.claim_invalid', 'sub is not the SPIFFE ID of a workload')
  if (!config.trustDomains.some(({ name }) => name === id.trustDomain))
    throw new Refusal('issuer.unknown', 'the map does not name this trust domain')
  return claim(claims, 'aud') === undefined ? assumeX509(claims, id, config, now) : assumeJwt(claims, id, config, now)
}

const assumeX509 = (claims: Claims, id: SpiffeId, config: SpiffeConfig, now: Instant): VerifiedCredential => {
  requireType('x509-svid', config)
  const from = numericDate(claims, 'not_before') ?? now
  const until = numericDate(claims, 'not_after') ?? now + assumedLifetime
  if (now < from) throw new Refusal('credential.not_yet_valid', 'not_before is to come')
  if (now > until) throw new Refusal('credential.expired', 'not_after has passed')
  return provenBy(id, claims, 'x509', { audience: [], issuedAt: from, expiresAt: until })
}

const assumeJwt = (claims: Claims, id: SpiffeId, config: SpiffeConfig, now: Instant): VerifiedCredential => {
  requireType('jwt-svid', config)
  return provenBy(id, claims, 'jwt', acceptSvidClaims({ exp: now + assumedLifetime, ...claims }, config, now))
}

type Accepted = Pick<VerifiedCredential, 'audience' | 'issuedAt' | 'expiresAt' | 'id'>

const provenBy = (id: SpiffeId, claims: Claims, svid: 'x509' | 'jwt', accepted: Accepted): VerifiedCredential =>
  proven({
    kind: 'spiffe',
    issuer: trustDomainId(id.trustDomain),
    subject: id.text,
    claims: { ...claims, spiffe: spiffeClaim(id), svid },
    header: {},
    ...accepted,
  })
