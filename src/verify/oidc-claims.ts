import type { Authentication } from '../domain/authentication.ts'
import type { Claims } from '../domain/claims.ts'
import type { Confirmation } from '../domain/confirmation.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { audienceOf, claim, numericDate, optionalText, subjectOf } from './claim-shapes.ts'
import { audienceClaimsOf, type OidcConfig, type TimeLimits, type TokenForm, timeLimitsOf } from './oidc-config.ts'
import { checkTokenForm } from './token-form.ts'

/** What the claims of an OIDC or OAuth token say, once all of them have been found acceptable. */
export interface AcceptedClaims {
  readonly subject: string
  readonly audience: readonly string[]
  readonly issuedAt?: Instant
  readonly expiresAt: Instant
  readonly id?: string
  readonly authentication?: Authentication
  readonly confirmation?: Confirmation
}

/**
 * Judges the claims of a token whose signature holds: form, audience, times, subject, and the claims that call for a
 * proof or a permission which nobody has given here (RFC 7519 4.1, OpenID Connect Core 3.1.3.7, RFC 9068 4). Pure.
 *
 * @throws Refusal `credential.*`
 */
export const checkOidcClaims = (
  declared: TokenForm,
  header: Claims,
  claims: Claims,
  config: OidcConfig,
  now: Instant,
): AcceptedClaims => {
  const form = checkTokenForm(declared, header, claims, config)
  const accepted = acceptClaims(claims, config, now)
  if (form === 'id_token') checkAuthorizedParty(claims, config)
  return accepted
}

/** The checks that do not depend on a JOSE header: they hold for an introspection answer as well. */
export const acceptClaims = (claims: Claims, config: OidcConfig, now: Instant): AcceptedClaims => {
  const audience = audienceOf(claims, audienceClaimsOf(config))
  if (!audience.some((one) => config.audiences.includes(one)))
    throw new Refusal(
      'credential.audience_mismatch',
      'the token is meant for none of the audiences that the map accepts',
    )
  const times = checkTimes(claims, timeLimitsOf(config), now)
  const subject = subjectOf(claims)
  checkScopeShape(claims)
  refuseUnproven(claims)
  const id = optionalText(claims, 'jti')
  const authentication = authenticationOf(claims)
  const confirmation = confirmationOf(claims)
  return {
    subject,
    audience,
    ...times,
    ...(id === undefined ? {} : { id }),
    ...(authentication === undefined ? {} : { authentication }),
    ...(confirmation === undefined ? {} : { confirmation }),
  }
}

const thumbprint = /^[A-Za-z0-9_-]{43}$/

/**
 * The certificate that `cnf` binds the token to (RFC 8705 section 3.1). Any other confirmation, or one beside it, is a
 * proof that nobody can give here yet.
 */
export const confirmationOf = (claims: Claims): Confirmation | undefined => {
  const cnf = claim(claims, 'cnf')
  if (cnf === undefined) return undefined
  const [[method, value] = ['', undefined], ...others] =
    typeof cnf === 'object' && cnf !== null ? Object.entries(cnf) : []
  if (others.length === 0 && method === 'x5t#S256' && typeof value === 'string' && thumbprint.test(value))
    return { 'x5t#S256': value }
  throw new Refusal('credential.confirmation_required', 'cnf binds the token to a key and no proof was given')
}

/** Judges `exp`, `nbf` and `iat` at the instant `now`. */
export const checkTimes = (
  claims: Claims,
  limits: TimeLimits,
  now: Instant,
): { readonly expiresAt: Instant; readonly issuedAt?: Instant } => {
  const expiresAt = numericDate(claims, 'exp')
  const notBefore = numericDate(claims, 'nbf')
  const issuedAt = numericDate(claims, 'iat')
  if (expiresAt === undefined) throw new Refusal('credential.claim_invalid', 'exp is missing')
  if (now >= expiresAt + limits.skew) throw new Refusal('credential.expired', 'exp has passed')
  if (notBefore !== undefined && notBefore > now + limits.skew)
    throw new Refusal('credential.not_yet_valid', 'nbf is in the future')
  if (issuedAt !== undefined && issuedAt > now + limits.skew)
    throw new Refusal('credential.not_yet_valid', 'iat is in the future')
  if (notBefore !== undefined && notBefore > expiresAt)
    throw new Refusal('credential.claim_invalid', 'nbf is later than exp')
  if (expiresAt - (issuedAt ?? now) > limits.maxLifetime || expiresAt - now > limits.maxLifetime + limits.skew)
    throw new Refusal('credential.lifetime_excessive', 'the time from iat to exp exceeds maxLifetime')
  checkAge(issuedAt, limits, now)
  return issuedAt === undefined ? { expiresAt } : { expiresAt, issuedAt }
}

const checkAge = (issuedAt: Instant | undefined, limits: TimeLimits, now: Instant): void => {
  if (limits.maxAge === undefined) return
  if (issuedAt === undefined) throw new Refusal('credential.claim_invalid', 'iat is missing and the map has a maxAge')
  if (now - issuedAt > limits.maxAge + limits.skew)
    throw new Refusal('credential.too_old', 'the token was issued longer ago than maxAge')
}

/** An ID token that was issued to another party is not ours to act on, though we may be among its audiences. */
const checkAuthorizedParty = (claims: Claims, config: OidcConfig): void => {
  const party = optionalText(claims, 'azp')
  if (party === undefined) return
  if (config.audiences.includes(party) || config.authorizedParties?.includes(party)) return
  throw new Refusal(
    'credential.audience_mismatch',
    'azp names a party that is neither in audiences nor in authorizedParties',
  )
}

const checkScopeShape = (claims: Claims): void => {
  const scope = claim(claims, 'scope')
  if (scope !== undefined && typeof scope !== 'string')
    throw new Refusal('credential.claim_invalid', 'scope is not a text (RFC 8693 section 4.2)')
}

/** Claims that limit who may use the token: what we cannot check, we do not accept. */
export const refuseUnproven = (claims: Claims): void => {
  if (claim(claims, 'status') !== undefined)
    throw new Refusal('credential.status_unverifiable', 'the token refers to a status list')
  if (claim(claims, 'act') !== undefined)
    throw new Refusal('credential.actor_not_permitted', 'the token already speaks for an actor')
}

/** Well-formed statements about how the subject authenticated; anything else is left out rather than guessed at. */
export const authenticationOf = (claims: Claims): Authentication | undefined => {
  const time = claim(claims, 'auth_time')
  const acr = claim(claims, 'acr')
  const amr = claim(claims, 'amr')
  const found: Authentication = {
    ...(typeof time === 'number' && Number.isSafeInteger(time) ? { time } : {}),
    ...(typeof acr === 'string' ? { acr } : {}),
    ...(isTextList(amr) ? { amr } : {}),
  }
  return Object.keys(found).length === 0 ? undefined : found
}

const isTextList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')
