import type { Instant, Seconds } from '../domain/time.ts'
import type { Digest } from '../ports/digest.ts'
import type { ReplayGuard } from '../ports/replay.ts'
import { replayKey, requireFuture } from './replay-key.ts'

export interface MemoryReplayOptions {
  /** How many ids are remembered at most; about 150 bytes each. */
  readonly maxEntries?: number
}

/** How often expired ids are looked for, and how often at most while there is no room. */
const sweepEvery: Seconds = 10
const sweepWhenFullEvery: Seconds = 1

/**
 * Single use within one process. It forgets on restart, so it is for one instance whose assertions live briefly. When
 * it is full of ids that have not expired it throws: forgetting one would let it be used again.
 */
export const createMemoryReplayGuard = (digest: Digest, options: MemoryReplayOptions = {}): ReplayGuard => {
  const maxEntries = options.maxEntries ?? 500_000
  const seen = new Map<string, Instant>()
  let sweptAt: Instant = Number.NEGATIVE_INFINITY

  const sweep = (now: Instant): void => {
    const pause = seen.size < maxEntries ? sweepEvery : sweepWhenFullEvery
    if (Math.abs(now - sweptAt) < pause) return
    sweptAt = now
    for (const [key, until] of seen) if (until < now) seen.delete(key)
  }

  return {
    async once(namespace, id, until, now) {
      requireFuture(until, now)
      const key = await replayKey(namespace, id, digest)
      const known = seen.get(key)
      if (known !== undefined && known >= now) return false
      sweep(now)
      if (seen.size >= maxEntries && !seen.has(key)) throw new Error('the replay guard is full')
      seen.set(key, until)
      return true
    },

    async check() {
      if (seen.size >= maxEntries) throw new Error('the replay guard is full')
    },
  }
}
