import { LRUCache } from 'lru-cache'
import type { RateLimits } from '../ports/rate-limits.ts'
import { type Count, hasRoom, movedOn, noCount, stretchAt, untilRoom } from './sliding-window.ts'

/** How many keys are counted. Who asks most often is forgotten last. */
const maxKeys = 100_000

/** Counts in memory. A new key costs some 100 bytes, whatever its limit. */
export const createMemoryRateLimits = (capacity = maxKeys): RateLimits => {
  const counts = new LRUCache<string, Count>({ max: capacity })
  return {
    take(key, limit, now) {
      const name = `${limit.per} ${key}`
      const count = movedOn(counts.get(name) ?? noCount, stretchAt(limit, now))
      if (!hasRoom(count, limit, now)) return { passes: false, roomIn: untilRoom(count, limit, now) }
      counts.set(name, { ...count, current: count.current + 1 })
      return { passes: true }
    },
  }
}
