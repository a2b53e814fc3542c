import { type InnerList, type Item, serializeList } from 'structured-headers'
import type { Grant } from '../domain/grant.ts'
import type { ExceededLimit, RateLimit } from '../domain/rate-limit.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import type { Digest } from '../ports/digest.ts'
import type { RateLimits } from '../ports/rate-limits.ts'

/**
 * Counts a request of a gateway or of a subject.
 *
 * @throws Refusal `rate.exceeded`
 */
export const requireRoom = async (
  of: ExceededLimit['of'],
  key: string,
  limit: RateLimit,
  limits: RateLimits,
  now: Instant,
): Promise<void> => {
  const verdict = await limits.take(`${of} ${key}`, limit, now)
  if (verdict.passes) return
  // There is none yet at the very moment that is named, and that may have been rounded down.
  const exceeded = { of, limit, retryAfter: Math.floor(verdict.roomIn + 0.001) + 1 }
  const detail = `more than ${limit.requests} requests of the ${of} in ${limit.per} s`
  throw new Refusal('rate.exceeded', detail, { exceeded })
}

/** A subject, as its gateway's limit counts it: a digest, since who it is may be nobody else's business. */
export const partyOf = (gateway: string, { identity: { type, tenant, subject } }: Grant, digest: Digest) =>
  digest.sha256(JSON.stringify([gateway, type, tenant?.value ?? null, subject.value]))

/**
 * What a client hears of a limit that it went beyond: Retry-After (RFC 9110 section 10.2.3), and the fields of RateLimit
 * header fields for HTTP (draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4).
 */
export const limitHeaders = ({ of, limit, retryAfter }: ExceededLimit): Readonly<Record<string, string>> => ({
  'Retry-After': String(retryAfter),
  'RateLimit-Policy': itemList(of, { q: limit.requests, w: limit.per }),
  RateLimit: itemList(of, { r: 0, t: retryAfter }),
})

const itemList = (name: string, parameters: Readonly<Record<string, number>>): string => {
  const item: Item | InnerList = [name, new Map(Object.entries(parameters))]
  return serializeList([item])
}
