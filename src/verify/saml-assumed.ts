import type { Claims } from '../domain/claims.ts'
import { proven, type VerifiedCredential } from '../domain/credential.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { asObject } from '../formats/json.ts'
import { assumedLifetime } from './assumed-lifetime.ts'
import { audienceOf, claim, numericDate, optionalText, subjectOf } from './claim-shapes.ts'
import { onwardIn } from './onward-claim.ts'
import { aliasClaims } from './saml-claims.ts'
import type { SamlConfig } from './saml-config.ts'

/**
 * What an assertion with these claims would prove, for policy tests. Only `sub` is required of a fixture; attributes are
 * given by their aliases, or by name under `attributes`.
 *
 * @throws Refusal `credential.*`, `issuer.unknown`
 */
export const assumeAssertion = (claims: Claims, config: SamlConfig, now: Instant): VerifiedCredential => {
  if ((optionalText(claims, 'iss', 2_048) ?? config.entityID) !== config.entityID)
    throw new Refusal('issuer.unknown', 'the map does not name this identity provider')
  const audience = claim(claims, 'aud') === undefined ? config.audiences : audienceOf(claims, ['aud'])
  if (!audience.some((one) => config.audiences.includes(one)))
    throw new Refusal('credential.audience_mismatch', 'the assertion is meant for none of the audiences of the map')
  const expiresAt = numericDate(claims, 'exp') ?? now + assumedLifetime
  if (now >= expiresAt + config.clockSkew) throw new Refusal('credential.expired', 'exp has passed')
  checkLists(claims, config)
  const acr = optionalText(claims, 'acr')
  const onward = onwardIn(claims)
  return proven({
    kind: 'saml',
    issuer: config.entityID,
    subject: subjectOf(claims),
    audience,
    claims: {
      ...aliasClaims(asObject(claim(claims, 'attributes')) ?? {}, config),
      iss: config.entityID,
      aud: audience,
      exp: expiresAt,
      ...claims,
    },
    header: {},
    expiresAt,
    ...(acr === undefined ? {} : { authentication: { acr } }),
    ...(onward === undefined ? {} : { onward }),
  })
}

/** A fixture that no assertion could look like would test nothing. */
const checkLists = (claims: Claims, { attributes }: SamlConfig): void => {
  for (const [alias, wanted] of Object.entries(attributes)) {
    const value = claim(claims, alias)
    if (typeof wanted === 'object' && wanted.list && value !== undefined && !Array.isArray(value))
      throw new Refusal('credential.claim_invalid', `${alias} is a list in every assertion of the map`)
  }
}
