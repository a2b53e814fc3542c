import type { Claims } from '../domain/claims.ts'
import { proven, type VerifiedCredential } from '../domain/credential.ts'
import type { Instant } from '../domain/time.ts'
import { assumedLifetime } from './assumed-lifetime.ts'
import { acceptCanonicalClaims } from './canonical-claims.ts'
import type { CanonicalConfig } from './canonical-config.ts'
import { optionalText } from './claim-shapes.ts'

/**
 * What a token of ours with these claims would prove, for policy tests. Only `sub` is required of a fixture; without a
 * `scope` it has none, and nothing issued for it has one either.
 *
 * @throws Refusal `credential.*`, `delegation.too_deep`
 */
export const assumeCanonical = (fixture: Claims, config: CanonicalConfig, now: Instant): VerifiedCredential => {
  const issuer = optionalText(fixture, 'iss', 2_048) ?? 'https://dragoman.example'
  const claims: Claims = {
    iss: issuer,
    aud: config.audiences,
    iat: now,
    exp: now + assumedLifetime,
    txn: 'rehearsal',
    client_id: 'rehearsal',
    identity_type: 'user',
    ...fixture,
  }
  return proven({
    kind: 'canonical',
    issuer,
    claims,
    header: {},
    ...acceptCanonicalClaims(claims, config, now),
  })
}
