import type { Claims, Json } from '../domain/claims.ts'
import type { ClientCredential } from '../domain/exchange.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import { FormatError } from '../formats/format-error.ts'
import { type CompactJws, claimsOf, parseCompactJws } from '../formats/jws.ts'
import type { SignatureHeader } from '../formats/jws-header.ts'
import type { KeySet } from '../sources/key-sets.ts'
import { checkSignature } from '../sources/signature-check.ts'
import type { Tools } from './authenticator.ts'

/** What all client assertions have in common, whoever signs them (RFC 7521 section 4.2, RFC 7523 section 3). */

/** An assertion taken apart. Nothing in it is believed. */
export interface Assertion {
  readonly jws: CompactJws
  readonly claims: Claims
}

const maxAssertionLength = 8_192
const skew: Seconds = 30

export const invalidAssertion = (detail: string, cause?: unknown) =>
  new Refusal('client.credential_invalid', detail, { cause })

/** An assertion is read to learn whose it is and again to verify it; it is taken apart once. */
const readings = new WeakMap<ClientCredential, Assertion>()

/** @throws Refusal `client.credential_invalid`, `client.method_not_registered` */
export const readAssertion = (credential: ClientCredential): Assertion => {
  const known = readings.get(credential)
  if (known !== undefined) return known
  const assertion = takeApart(credential)
  readings.set(credential, assertion)
  return assertion
}

const takeApart = (credential: ClientCredential): Assertion => {
  if (!('assertion' in credential)) throw new Refusal('client.method_not_registered', 'no assertion was presented')
  const raw = credential.assertion.reveal()
  if (raw.length > maxAssertionLength) throw invalidAssertion('the assertion is too long')
  try {
    const jws = parseCompactJws(raw)
    return { jws, claims: claimsOf(jws) }
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw invalidAssertion('the assertion is malformed', cause)
  }
}

/** The `sub` of an assertion, which names the client. Not believed. */
export const assertedSubject = (credential: ClientCredential): string => {
  const { sub } = readAssertion(credential).claims
  if (typeof sub !== 'string') throw invalidAssertion('the assertion has no sub')
  return sub
}

/** @throws Refusal `client.credential_invalid`, `keys.unavailable` */
export const requireAssertionSignature = async (
  jws: CompactJws,
  header: SignatureHeader,
  keySet: KeySet,
  now: Instant,
  tools: Tools,
): Promise<void> => {
  const verdict = await checkSignature(jws, header, keySet, tools.ports.signatures, now)
  if (!verdict.holds) throw invalidAssertion(`the assertion: ${verdict.because}`)
}

/**
 * An assertion is for us alone, by our issuer identifier and not by the token endpoint's URL (rfc7523bis section 3), and
 * for a short while.
 *
 * @returns until when it could be used again
 * @throws Refusal `client.credential_invalid`
 */
export const requireForUsNow = (
  { aud, exp, nbf, iat }: Claims,
  issuer: string,
  maxLifetime: Seconds,
  now: Instant,
): Instant => {
  if (!isSoleAudience(aud, issuer)) throw invalidAssertion(`aud must be ${issuer} and nothing else`)
  if (typeof exp !== 'number' || !Number.isFinite(exp)) throw invalidAssertion('exp is missing or not a NumericDate')
  if (now >= exp + skew) throw invalidAssertion('the assertion has expired')
  if (exp > now + maxLifetime + skew) throw invalidAssertion(`the assertion is valid for more than ${maxLifetime} s`)
  for (const time of [nbf, iat])
    if (time !== undefined && (typeof time !== 'number' || time > now + skew))
      throw invalidAssertion('nbf or iat is in the future')
  return exp + skew
}

const isSoleAudience = (aud: Json | undefined, issuer: string): boolean => {
  const [only, ...others] = [aud].flat()
  return only === issuer && others.length === 0
}

/**
 * Nobody has used this `jti` of the client's before.
 *
 * @param method in whose name it is remembered
 * @throws Refusal `client.credential_invalid`, `client.assertion_replayed`, `store.unavailable`
 */
export const requireFirstUse = async (
  jti: Json | undefined,
  method: string,
  clientId: string,
  until: Instant,
  now: Instant,
  tools: Tools,
): Promise<void> => {
  if (typeof jti !== 'string' || jti === '' || jti.length > 512) throw invalidAssertion('jti is missing')
  if (!(await claimOnce(`${method}:${clientId}`, jti, until, now, tools)))
    throw new Refusal('client.assertion_replayed', `the assertion of ${clientId} was seen before`)
}

const claimOnce = async (namespace: string, id: string, until: Instant, now: Instant, tools: Tools) => {
  try {
    return await tools.ports.replay.once(namespace, id, until, now)
  } catch (cause) {
    throw new Refusal('store.unavailable', 'the replay guard does not answer', { cause })
  }
}
