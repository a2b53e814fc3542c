import type { Json } from '../domain/claims.ts'
import type { Grant } from '../domain/grant.ts'
import { Refusal } from '../domain/refusal.ts'
import { parseSpiffeId } from '../domain/spiffe-id.ts'

/**
 * The claims of a JWT-SVID (JWT-SVID section 3): the canonical identity as a SPIFFE ID of our own trust domain. It says
 * who the subject is and nothing else: attributes and scopes are for access tokens.
 *
 * @throws Refusal `identity.invalid` when the subject cannot be a SPIFFE ID, or its label keeps it from leaving
 */
export const jwtSvidClaims = (
  grant: Grant,
  trustDomain: string,
  issuer: string,
  id: string,
): Readonly<Record<string, Json>> => {
  const { subject } = grant.identity
  if (subject.sensitivity === 'secret' || !grant.release.includes(subject.sensitivity))
    throw new Refusal(
      'identity.invalid',
      `the subject is labelled ${subject.sensitivity}, which the rule does not release`,
    )
  return {
    iss: issuer,
    sub: spiffeIdOf(subject.value, trustDomain),
    aud: [...grant.audience],
    iat: Math.floor(grant.issuedAt),
    exp: Math.floor(grant.expiresAt),
    jti: id,
  }
}

/**
 * `user:ada` in the trust domain `acme.example` is `spiffe://acme.example/user/ada`. A subject that holds anything but
 * letters, digits and `. _ -` between its colons has no SPIFFE ID: it is refused and never rewritten, so that two
 * subjects cannot become one.
 */
const spiffeIdOf = (subject: string, trustDomain: string): string => {
  const id = `spiffe://${trustDomain}/${subject.replaceAll(':', '/')}`
  if (subject.includes('/') || parseSpiffeId(id) === undefined)
    throw new Refusal(
      'identity.invalid',
      'the subject cannot be a SPIFFE ID: map it to letters, digits, . _ - and colons',
    )
  return id
}
