import type { Seconds } from '../domain/time.ts'
import type { Digest } from '../ports/digest.ts'
import type { ReplayGuard } from '../ports/replay.ts'
import { replayKey, requireFuture } from './replay-key.ts'

/** What a server that speaks Redis' protocol answers. */
export type RedisReply = string | number | null | readonly RedisReply[]

/** What is asked of Redis or Valkey; a platform opens it. */
export interface RedisDatabase {
  /**
   * Runs one command about one key, which says where in a cluster it belongs. Throws when it could not, or when nobody
   * answers soon.
   */
  run(key: string, ...words: readonly [string, ...string[]]): Promise<RedisReply>
}

/** Of our keys, whatever else is kept there. */
const prefix = 'dragoman:once:'

/**
 * One script, so that of all who race exactly one is told 1. An id is claimed until an instant by the clock of whoever
 * asks, and Redis forgets it by its own, later.
 */
const claim = `
local known = redis.call('GET', KEYS[1])
if known and tonumber(known) >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1`

/** Clocks differ: what has expired by one may still be accepted by another. */
const clockDifference: Seconds = 300

/** How long Redis keeps what nobody needs for more than `seconds`, in its milliseconds. */
export const keptFor = (seconds: Seconds): string => String(Math.ceil((seconds + clockDifference) * 1_000))

/** Single use across all who share a Redis or Valkey. Any fault of it is thrown. */
export const createRedisReplayGuard = (database: RedisDatabase, digest: Digest): ReplayGuard => ({
  async once(namespace, id, until, now) {
    requireFuture(until, now)
    const key = prefix + (await replayKey(namespace, id, digest))
    const reply = await database.run(key, 'EVAL', claim, '1', key, String(until), String(now), keptFor(until - now))
    if (reply !== 0 && reply !== 1) throw new Error('the store answers a claim with something else than 0 or 1')
    return reply === 1
  },

  async check() {
    // Writing is what claims need: a replica, or one without disk space, answers reads.
    const key = `${prefix}check`
    await database.run(key, 'SET', key, '', 'PX', '1000')
  },
})
