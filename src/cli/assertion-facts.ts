import type { Claims } from '../domain/claims.ts'
import type { Instant } from '../domain/time.ts'
import type { Trace } from '../domain/trace.ts'
import { FormatError } from '../formats/format-error.ts'
import { type Assertion, assertionIn } from '../formats/saml/assertion.ts'
import { assertionLimits, readAssertion } from '../formats/saml/assertion-document.ts'
import { parseXml } from '../formats/xml/document.ts'

/**
 * What an assertion says, as far as it can be told from what its signature covers. Whether that holds is for the trace to
 * say.
 */
export const assertionSaid = (xml: string, { checks }: Trace): Assertion | undefined => {
  const signed = checks.find(({ check }) => check === 'signed')?.seen?.value
  try {
    if (typeof signed === 'string') return assertionIn(parseXml(signed, assertionLimits))
    const read = readAssertion(xml)
    return 'sealed' in read ? undefined : read.assertion
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

/** The same by the names that tokens have for it. */
export const claimsSaid = ({ issuer, issuedAt, conditions }: Assertion): Claims => ({
  iss: issuer,
  aud: [...new Set(conditions.audienceRestrictions.flat())],
  iat: issuedAt,
  ...(conditions.notBefore === undefined ? {} : { nbf: conditions.notBefore }),
  ...(conditions.notOnOrAfter === undefined ? {} : { exp: conditions.notOnOrAfter }),
})

/** A time that an assertion names. */
export interface SaidTime {
  readonly name: string
  readonly at: string
  /** Seconds; negative: it has passed. */
  readonly fromNow: number
}

/** What an assertion says that says nothing about a person. Not believed. */
export interface AssertionFacts {
  readonly issuer: string
  readonly audience: readonly string[]
  readonly recipient: readonly string[]
  readonly nameIdFormat?: string
  readonly times: readonly SaidTime[]
}

export const factsOf = (assertion: Assertion, now: Instant): AssertionFacts => {
  const { issuer, subject, conditions } = assertion
  const format = 'encrypted' in subject.name ? undefined : subject.name.format
  return {
    issuer,
    audience: [...new Set(conditions.audienceRestrictions.flat())],
    recipient: subject.confirmations.flatMap(({ data }) => data?.recipient ?? []),
    ...(format === undefined ? {} : { nameIdFormat: format }),
    times: timesIn(assertion).flatMap(([name, at]) => (at === undefined ? [] : [saidTime(name, at, now)])),
  }
}

const timesIn = ({ issuedAt, conditions, subject, authentications }: Assertion) => [
  ['IssueInstant', issuedAt] as const,
  ['NotBefore', conditions.notBefore] as const,
  ['NotOnOrAfter', conditions.notOnOrAfter] as const,
  ...subject.confirmations.map(({ data }) => ['NotOnOrAfter of the bearer', data?.notOnOrAfter] as const),
  ...authentications.flatMap(({ at, sessionNotOnOrAfter }) => [
    ['AuthnInstant', at] as const,
    ['SessionNotOnOrAfter', sessionNotOnOrAfter] as const,
  ]),
]

const saidTime = (name: string, at: Instant, now: Instant): SaidTime => ({
  name,
  at: new Date(at * 1_000).toISOString(),
  fromNow: Math.round(at - now),
})
