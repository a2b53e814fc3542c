import type { Claims } from '../domain/claims.ts'
import type { Onward } from '../domain/onward.ts'
import type { OwnToken } from '../domain/own-token.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { asObject } from '../formats/json.ts'
import { type CanonicalConfig, timeLimitsOf } from './canonical-config.ts'
import { ownTokenIn } from './canonical-token.ts'
import { audienceOf, claim, optionalText } from './claim-shapes.ts'
import { type AcceptedClaims, authenticationOf, checkTimes, confirmationOf } from './oidc-claims.ts'
import { onwardIn } from './onward-claim.ts'

/** What the claims of a token of ours say, once all of them have been found acceptable. */
interface AcceptedToken extends AcceptedClaims {
  readonly own: OwnToken
  readonly onward?: Onward
}

/**
 * Judges the claims of a token of ours (RFC 9068 section 4): whom it is for, its times, how often it was passed on. It
 * ends when it says, to the second: the clocks that count are ours.
 *
 * @throws Refusal `credential.*`, `delegation.too_deep`
 */
export const acceptCanonicalClaims = (claims: Claims, config: CanonicalConfig, now: Instant): AcceptedToken => {
  const audience = audienceOf(claims, ['aud'])
  if (!audience.some((one) => config.audiences.includes(one)))
    throw new Refusal('credential.audience_mismatch', 'the token is meant for none of the audiences of the map')
  const times = checkTimes(claims, timeLimitsOf(config), now)
  if (now >= times.expiresAt) throw new Refusal('credential.expired', 'exp has passed')
  if (claim(claims, 'status') !== undefined)
    throw new Refusal('credential.status_unverifiable', 'the token refers to a status list')
  const own = ownTokenIn(claims)
  requireRoom(own.delegation?.chain.length ?? 0, config)
  const [id, authentication, confirmation] = [
    optionalText(claims, 'jti'),
    authenticationOf(claims),
    confirmationOf(claims),
  ]
  requireOnward(claims)
  const onward = onwardIn(claims)
  return {
    subject: own.identity.subject.value,
    audience,
    own,
    ...times,
    ...(id === undefined ? {} : { id }),
    ...(authentication === undefined ? {} : { authentication }),
    ...(confirmation === undefined ? {} : { confirmation }),
    ...(onward === undefined ? {} : { onward }),
  }
}

/** As `mint/access-token.ts` writes it: what is not understood cannot be obeyed. */
const requireOnward = (claims: Claims): void => {
  const value = claim(claims, 'proxy_restriction')
  if (value === undefined) return
  const restriction = asObject(value)
  const { audiences = [], count = 0, ...others } = restriction ?? {}
  const isSound =
    restriction !== undefined &&
    Object.keys(others).length === 0 &&
    Array.isArray(audiences) &&
    audiences.every((one) => typeof one === 'string') &&
    Number.isSafeInteger(count) &&
    Number(count) >= 0
  if (!isSound) throw new Refusal('credential.claim_invalid', 'proxy_restriction is not of audiences and a count')
}

/** Whoever presents the token becomes one more in the chain. */
const requireRoom = (depth: number, { maxDepth }: CanonicalConfig): void => {
  if (depth >= maxDepth)
    throw new Refusal('delegation.too_deep', `${depth} have acted for the subject already; the map allows ${maxDepth}`)
}
