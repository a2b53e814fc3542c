import type { Instant } from '../domain/time.ts'
import type { Digest } from '../ports/digest.ts'

/**
 * The key under which an id is remembered: a digest, so that stores hold nothing of what was presented, over both texts
 * with their lengths in front, so that no other pair of namespace and id has the same.
 */
export const replayKey = async (namespace: string, id: string, digest: Digest): Promise<string> =>
  digest.sha256(`${namespace.length}:${namespace}${id.length}:${id}`)

/** An id that has expired already would be forgotten at once and could be used again and again. */
export const requireFuture = (until: Instant, now: Instant): void => {
  const isFuture = Number.isFinite(until) && Number.isFinite(now) && until > now
  if (!isFuture) throw new RangeError('an id can be claimed only until an instant in the future')
}
