import type { Claims, Json } from '../domain/claims.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'

/** What the claims of a JWT must look like before anybody reads them (RFC 7519 section 4.1). */

const maxSubjectLength = 1_024
const maxIdLength = 512
const maxAudiences = 32

const invalid = (claim: string, complaint: string) => new Refusal('credential.claim_invalid', `${claim} ${complaint}`)

/** An own member of `claims`; never one that a prototype lends. */
export const claim = (claims: Claims, name: string): Json | undefined =>
  Object.hasOwn(claims, name) ? claims[name] : undefined

/** A NumericDate (RFC 7519 section 2) or nothing. Throws a Refusal for anything else. */
export const numericDate = (claims: Claims, name: string): Instant | undefined => {
  const value = claim(claims, name)
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw invalid(name, 'is not a NumericDate')
  return value
}

/** A string that is not empty, or nothing. */
export const optionalText = (claims: Claims, name: string, maxLength = maxIdLength): string | undefined => {
  const value = claim(claims, name)
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '' || value.length > maxLength)
    throw invalid(name, `is not a text of 1 to ${maxLength} characters`)
  return value
}

/** Characters that a person cannot see, or that reorder what a person sees. */
const deceptive = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u

/** `sub`: there, visible, and not in the form of a SPIFFE ID, which only a SPIFFE trust domain may vouch for. */
export const subjectOf = (claims: Claims): string => {
  const subject = optionalText(claims, 'sub', maxSubjectLength)
  if (subject === undefined) throw invalid('sub', 'is missing')
  if (deceptive.test(subject)) throw invalid('sub', 'has invisible characters')
  if (/^spiffe:/i.test(subject)) throw new Refusal('credential.type_mismatch', 'sub is a SPIFFE ID')
  return subject
}

/** The audience in the first of the claims `names` that is there: one text, or a list of a few. */
export const audienceOf = (claims: Claims, names: readonly string[]): readonly string[] => {
  const name = names.find((candidate) => claim(claims, candidate) !== undefined)
  if (name === undefined) throw invalid(names.join(' or '), 'is missing')
  const value = claim(claims, name)
  const list = Array.isArray(value) ? (value as readonly Json[]) : [value]
  if (list.length === 0 || list.length > maxAudiences) throw invalid(name, `does not have 1 to ${maxAudiences} entries`)
  return list.map((entry) => {
    if (typeof entry !== 'string' || entry === '') throw invalid(name, 'has an entry that is not a text')
    return entry
  })
}
