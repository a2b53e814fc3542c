import type { Authentication } from '../domain/authentication.ts'
import type { Claims, Json } from '../domain/claims.ts'
import type { Instant } from '../domain/time.ts'
import type { Assertion, AuthnStatement } from '../formats/saml/assertion.ts'
import type { NameId } from '../formats/saml/subject.ts'
import { claim } from './claim-shapes.ts'
import type { SamlConfig } from './saml-config.ts'

/** What rules may read of an assertion: names that tokens have too, where they mean the same. */
export const samlClaims = (assertion: Assertion, name: NameId, expiresAt: Instant, config: SamlConfig): Claims => {
  const { id, issuer, issuedAt, conditions, authentications, attributes } = assertion
  const { notBefore, proxyRestriction } = conditions
  const byName = Object.fromEntries(attributes.map((attribute) => [attribute.name, attribute.values]))
  return {
    ...aliasClaims(byName, config),
    iss: issuer,
    sub: name.value,
    aud: audiencesOf(assertion),
    exp: expiresAt,
    iat: issuedAt,
    jti: id,
    name_id: nameClaim(name),
    attributes: byName,
    ...(notBefore === undefined ? {} : { nbf: notBefore }),
    ...(proxyRestriction === undefined ? {} : { proxy_restriction: { ...proxyRestriction } }),
    ...authnClaims(authentications),
  }
}

/** Everybody whom some restriction names. */
export const audiencesOf = ({ conditions }: Assertion): readonly string[] => [
  ...new Set(conditions.audienceRestrictions.flat()),
]

/**
 * The attributes that the map gives short names. An alias for one value becomes a list where the assertion has several,
 * so that a rule which wants one refuses rather than picks.
 *
 * @param attributes lists of values by name
 */
export const aliasClaims = (attributes: Claims, config: SamlConfig): Claims => {
  const claims: Record<string, Json> = {}
  for (const [alias, wanted] of Object.entries(config.attributes)) {
    const { name, list } = typeof wanted === 'string' ? { name: wanted, list: false } : wanted
    const values = claim(attributes, name)
    const value = Array.isArray(values) && !list && values.length < 2 ? values[0] : values
    if (value !== undefined) claims[alias] = value
  }
  return claims
}

const nameClaim = ({ value, format, nameQualifier, spNameQualifier, spProvidedId }: NameId): Claims => ({
  value,
  ...(format === undefined ? {} : { format }),
  ...(nameQualifier === undefined ? {} : { name_qualifier: nameQualifier }),
  ...(spNameQualifier === undefined ? {} : { sp_name_qualifier: spNameQualifier }),
  ...(spProvidedId === undefined ? {} : { sp_provided_id: spProvidedId }),
})

const authnClaims = (statements: readonly AuthnStatement[]): Claims => {
  const [statement] = statements
  if (statement === undefined || statements.length > 1) return {}
  const { at, contextClass, sessionIndex, sessionNotOnOrAfter } = statement
  return {
    auth_time: at,
    ...(contextClass === undefined ? {} : { acr: contextClass }),
    ...(sessionIndex === undefined ? {} : { session_index: sessionIndex }),
    ...(sessionNotOnOrAfter === undefined ? {} : { session_exp: sessionNotOnOrAfter }),
  }
}

/** How the subject authenticated; of several statements none is taken, rather than one at a guess. */
export const authenticationOf = ({ authentications }: Assertion): Authentication | undefined => {
  const [statement] = authentications
  if (statement === undefined || authentications.length > 1) return undefined
  const { at, contextClass } = statement
  return { time: Math.floor(at), ...(contextClass === undefined ? {} : { acr: contextClass }) }
}
