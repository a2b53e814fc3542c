import type { Json, Sensitivity } from '../domain/claims.ts'
import type { Grant } from '../domain/grant.ts'
import type { CanonicalIdentity, Labelled } from '../domain/identity.ts'
import { Refusal } from '../domain/refusal.ts'
import { isReservedClaim } from '../domain/reserved-claims.ts'
import type { Instant, Seconds } from '../domain/time.ts'

/** What a token says, and what was kept out of it for its label. */
export interface AccessTokenClaims {
  readonly claims: Readonly<Record<string, Json>>
  readonly withheld: readonly string[]
}

/** A verifier whose clock is behind ours by this much must not find a new token not yet valid. */
const clockDifference: Seconds = 30

/**
 * The claims of an access token (RFC 9068 section 2.2; `txn` RFC 8417 section 2.2; `groups`, `roles` and `entitlements`
 * section 2.2.3.1) and of its provenance: `map`, `rule` and `map_version` name the policy that made it.
 *
 * Times are whole seconds, and both ends are rounded down, so that the token does not outlive its grant.
 *
 * @throws Refusal `identity.invalid` when the subject may not enter the token or an attribute has a reserved name
 */
export const accessTokenClaims = (grant: Grant, issuer: string, id: string): AccessTokenClaims => {
  const { identity, audience, scope } = grant
  const subject = grant.identity.subject
  if (!mayEnter(subject, grant))
    throw new Refusal(
      'identity.invalid',
      `the subject is labelled ${subject.sensitivity}, which the rule does not release`,
    )
  const released = releasedClaims(identity, grant)
  const issuedAt = Math.floor(grant.issuedAt)
  return {
    claims: {
      iss: issuer,
      sub: subject.value,
      aud: audience.length === 1 && audience[0] !== undefined ? audience[0] : audience,
      client_id: grant.client,
      iat: issuedAt,
      nbf: issuedAt - clockDifference,
      exp: Math.floor(grant.expiresAt),
      jti: id,
      ...(scope.length > 0 ? { scope: scope.join(' ') } : {}),
      txn: grant.transaction,
      ...(grant.confirmation === undefined ? {} : { cnf: { ...grant.confirmation } }),
      ...actorClaims(grant),
      ...authenticationClaims(identity),
      identity_type: identity.type,
      ...released.claims,
      map: identity.origin.map,
      rule: identity.origin.rule,
      map_version: identity.origin.version,
    },
    withheld: released.withheld,
  }
}

/** RFC 8693 section 4.1: who acts for the subject, in our own terms. */
const actorClaims = (grant: Grant): Readonly<Record<string, Json>> => {
  const { actor } = grant.identity
  if (actor === undefined) return {}
  if (!mayEnter(actor.subject, grant))
    throw new Refusal(
      'identity.invalid',
      `the actor's subject is labelled ${actor.subject.sensitivity}, which the rule does not release`,
    )
  return { act: { sub: actor.subject.value, identity_type: actor.type } }
}

/** `secret` never enters a token, even where a rule says that it may. */
const mayEnter = ({ sensitivity }: { readonly sensitivity: Sensitivity }, grant: Grant): boolean =>
  sensitivity !== 'secret' && grant.release.includes(sensitivity)

/** OpenID Connect Core section 2, by way of RFC 9068 section 2.2.1. */
const authenticationClaims = ({ authentication }: CanonicalIdentity): Readonly<Record<string, Json>> => {
  const { time, acr, amr } = authentication ?? {}
  return {
    ...(time === undefined ? {} : { auth_time: wholeSecond(time) }),
    ...(acr === undefined ? {} : { acr }),
    ...(amr === undefined ? {} : { amr }),
  }
}

const wholeSecond = (instant: Instant): number => Math.floor(instant)

const releasedClaims = (identity: CanonicalIdentity, grant: Grant): AccessTokenClaims => {
  const claims: Record<string, Json> = {}
  const withheld: string[] = []
  for (const [name, value] of labelledClaims(identity)) {
    if (mayEnter(value, grant)) claims[name] = value.value
    else withheld.push(name)
  }
  return { claims, withheld }
}

const labelledClaims = (identity: CanonicalIdentity): readonly (readonly [string, Labelled<Json>])[] => {
  for (const name of identity.attributes.keys())
    if (isReservedClaim(name)) throw new Refusal('identity.invalid', `an attribute may not be named ${name}`)
  const { tenant, groups, roles, entitlements } = identity
  const named = Object.entries({ tenant, groups, roles, entitlements }).flatMap(([name, value]) =>
    value === undefined || value.value.length === 0 ? [] : [[name, value] as const],
  )
  return [...named, ...identity.attributes]
}
