import type { Claims, Json, Sensitivity } from '../domain/claims.ts'
import type { Grant } from '../domain/grant.ts'
import type { CanonicalIdentity, Labelled } from '../domain/identity.ts'
import { Refusal } from '../domain/refusal.ts'
import { isReservedClaim } from '../domain/reserved-claims.ts'
import { clockDifference, type Instant } from '../domain/time.ts'

/** What a token says, and what was kept out of it for its label. */
export interface AccessTokenClaims {
  readonly claims: Readonly<Record<string, Json>>
  readonly withheld: readonly string[]
}

/**
 * The claims of an access token (RFC 9068 section 2.2; `txn` RFC 8417 section 2.2; `groups`, `roles` and `entitlements`
 * section 2.2.3.1) and of its provenance: `map`, `rule` and `map_version` name the policy that made it. `sensitivity`
 * tells the labels of its values, and `proxy_restriction` what may rest on it, to whoever passes it on.
 *
 * Times are whole seconds, and both ends are rounded down, so that the token does not outlive its grant. A verifier whose
 * clock is behind ours must not find a new token not yet valid.
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
      ...labelClaims(grant, released),
      ...onwardClaims(grant),
      map: identity.origin.map,
      rule: identity.origin.rule,
      map_version: identity.origin.version,
    },
    withheld: released.withheld,
  }
}

/** RFC 8693 section 4.1: who acts for the subject, in our own terms; who acted before stands inside. */
const actorClaims = ({ delegation, release }: Grant): Readonly<Record<string, Json>> => {
  if (delegation === undefined) return {}
  const { chain, sensitivity } = delegation
  if (sensitivity !== undefined && !mayEnter({ sensitivity }, { release }))
    throw new Refusal(
      'identity.invalid',
      `an actor's subject is labelled ${sensitivity}, which the rule does not release`,
    )
  const act = chain.reduceRight<Claims | undefined>(
    (before, party) => (before === undefined ? { ...party } : { ...party, act: before }),
    undefined,
  )
  return act === undefined ? {} : { act }
}

/** The labels of what entered, by the names of the claims; whatever is not named is `internal`. */
const labelClaims = ({ identity, delegation }: Grant, { entered }: Released): Readonly<Record<string, Json>> => {
  const labels = [
    ['sub', identity.subject.sensitivity] as const,
    ['act', delegation?.sensitivity ?? 'internal'] as const,
    ...entered,
  ].filter(([, label]) => label !== 'internal')
  return labels.length === 0 ? {} : { sensitivity: Object.fromEntries(labels) }
}

/** SAML core section 2.5.1.6, for tokens of ours that rest on an assertion. */
const onwardClaims = ({ onward }: Grant): Readonly<Record<string, Json>> => {
  if (onward === undefined) return {}
  const { audiences, hops } = onward
  return {
    proxy_restriction: {
      ...(audiences === undefined ? {} : { audiences }),
      ...(hops === undefined ? {} : { count: hops }),
    },
  }
}

/** `secret` never enters a token, even where a rule says that it may. */
export const mayEnter = (
  { sensitivity }: { readonly sensitivity: Sensitivity },
  { release }: Pick<Grant, 'release'>,
): boolean => sensitivity !== 'secret' && release.includes(sensitivity)

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

interface Released extends AccessTokenClaims {
  /** The label of each claim. */
  readonly entered: readonly (readonly [name: string, label: Sensitivity])[]
}

const releasedClaims = (identity: CanonicalIdentity, grant: Grant): Released => {
  const labelled = labelledClaims(identity)
  const entering = labelled.filter(([, value]) => mayEnter(value, grant))
  return {
    claims: Object.fromEntries(entering.map(([name, { value }]) => [name, value])),
    withheld: labelled.filter(([, value]) => !mayEnter(value, grant)).map(([name]) => name),
    entered: entering.map(([name, { sensitivity }]) => [name, sensitivity]),
  }
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
