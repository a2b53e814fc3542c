import { Refusal } from '../domain/refusal.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import type { Assertion, AuthnStatement } from '../formats/saml/assertion.ts'
import type { Conditions } from '../formats/saml/conditions.ts'
import { bearerMethod } from '../formats/saml/names.ts'
import type { SubjectConfirmation, SubjectConfirmationData } from '../formats/saml/subject.ts'
import type { AssertionLimits } from './saml-config.ts'

/** Under what an assertion is accepted. */
export interface AssertionTerms extends AssertionLimits {
  readonly audiences: readonly string[]
  readonly recipients: readonly string[]
}

/**
 * Judges what an assertion says of its own validity: conditions (SAML core section 2.5.1), confirmation of the bearer
 * (SAML profiles section 4.1.4.2, RFC 7522 section 3) and sessions. Pure.
 *
 * @returns when it ends, by whichever of its limits comes first
 * @throws Refusal `credential.*`
 */
export const judgeConditions = (assertion: Assertion, terms: AssertionTerms, now: Instant): Instant => {
  const { conditions, subject, authentications } = assertion
  if (conditions.hasUnknown)
    throw new Refusal('credential.condition_unsupported', 'Conditions hold one that is not understood')
  if (conditions.proxyRestriction?.count === 0)
    throw new Refusal('credential.onward_forbidden', 'ProxyRestriction lets nobody issue anything based on it')
  checkAudience(conditions, terms)
  checkWindow(conditions, terms.skew, now)
  const confirmedUntil = judgeBearer(subject.confirmations, terms, now)
  const sessionEnds = judgeSessions(authentications, terms.skew, now)
  const ends = [confirmedUntil, ...(conditions.notOnOrAfter === undefined ? [] : [conditions.notOnOrAfter])]
  checkAge(assertion.issuedAt, ends, terms, now)
  return Math.min(...ends, ...sessionEnds)
}

/** Each restriction must be met, by any of its audiences (SAML core section 2.5.1.4). */
const checkAudience = ({ audienceRestrictions }: Conditions, { audiences }: AssertionTerms): void => {
  if (audienceRestrictions.length === 0)
    throw new Refusal('credential.audience_mismatch', 'the assertion has no AudienceRestriction')
  if (!audienceRestrictions.every((restriction) => restriction.some((audience) => audiences.includes(audience))))
    throw new Refusal('credential.audience_mismatch', 'an AudienceRestriction names none of the audiences of the map')
}

const checkWindow = ({ notBefore, notOnOrAfter }: Conditions, skew: Seconds, now: Instant): void => {
  if (notBefore !== undefined && notOnOrAfter !== undefined && notBefore >= notOnOrAfter)
    throw new Refusal('credential.claim_invalid', 'NotBefore is not earlier than NotOnOrAfter')
  if (notOnOrAfter !== undefined && now >= notOnOrAfter + skew)
    throw new Refusal('credential.expired', 'NotOnOrAfter of Conditions has passed')
  if (notBefore !== undefined && now + skew < notBefore)
    throw new Refusal('credential.not_yet_valid', 'NotBefore of Conditions is to come')
}

/**
 * One confirmation that holds is enough; of several that do not, the first one tells why. One that names who must
 * satisfy it confirms nobody here, since nobody can show to be that party (SAML core section 2.4.1.1).
 */
const judgeBearer = (confirmations: readonly SubjectConfirmation[], terms: AssertionTerms, now: Instant): Instant => {
  const bearers = confirmations.filter(({ method, isForNamed }) => method === bearerMethod && !isForNamed)
  if (bearers.length === 0)
    throw new Refusal('credential.confirmation_required', 'no SubjectConfirmation lets a bearer present the assertion')
  const verdicts = bearers.map(({ data }) => bearerVerdict(data, terms, now))
  const ends = verdicts.filter((verdict) => typeof verdict === 'number')
  if (ends.length > 0) return Math.max(...ends)
  throw verdicts.find((verdict) => verdict instanceof Refusal) ?? new Refusal('internal', 'no verdict on a bearer')
}

/**
 * The data must be there and say where the assertion may be delivered, and until when. RFC 7522 would let it be left
 * out; but then any party that receives the assertion could deliver it here.
 */
const bearerVerdict = (
  data: SubjectConfirmationData | undefined,
  { recipients, skew }: AssertionTerms,
  now: Instant,
): Instant | Refusal => {
  if (data === undefined) return invalid('SubjectConfirmation has no SubjectConfirmationData')
  const { recipient, notBefore, notOnOrAfter } = data
  if (notBefore !== undefined) return invalid('SubjectConfirmationData of a bearer has a NotBefore')
  if (notOnOrAfter === undefined) return invalid('SubjectConfirmationData has no NotOnOrAfter')
  if (recipient === undefined || !recipients.includes(recipient))
    return new Refusal('credential.recipient_mismatch', `Recipient is not ${recipients.join(' or ')}`)
  return now >= notOnOrAfter + skew
    ? new Refusal('credential.expired', 'NotOnOrAfter of SubjectConfirmationData has passed')
    : notOnOrAfter
}

const invalid = (detail: string) => new Refusal('credential.claim_invalid', detail)

/** A session that the identity provider has ended is no ground for a token (SAML core section 2.7.2). */
const judgeSessions = (statements: readonly AuthnStatement[], skew: Seconds, now: Instant): readonly Instant[] => {
  if (statements.some(({ at }) => at > now + skew))
    throw new Refusal('credential.not_yet_valid', 'AuthnInstant is in the future')
  const ends = statements.flatMap(({ sessionNotOnOrAfter }) => sessionNotOnOrAfter ?? [])
  if (ends.some((end) => now >= end + skew)) throw new Refusal('credential.expired', 'SessionNotOnOrAfter has passed')
  return ends
}

const checkAge = (issuedAt: Instant, ends: readonly Instant[], limits: AssertionLimits, now: Instant): void => {
  const { skew, maxAge, maxLifetime } = limits
  if (issuedAt > now + skew) throw new Refusal('credential.not_yet_valid', 'IssueInstant is in the future')
  if (Math.max(...ends) - issuedAt > maxLifetime)
    throw new Refusal('credential.lifetime_excessive', 'the time from IssueInstant to NotOnOrAfter exceeds maxLifetime')
  if (maxAge !== undefined && now - issuedAt > maxAge + skew)
    throw new Refusal('credential.too_old', 'the assertion was issued longer ago than maxAge')
}
