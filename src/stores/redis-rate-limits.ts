import type { RateLimits } from '../ports/rate-limits.ts'
import { keptFor, type RedisDatabase } from './redis.ts'
import { untilRoom } from './sliding-window.ts'

const prefix = 'dragoman:rate:'

/**
 * The sliding window (sliding-window.ts), one script a request: of all who race no more are let pass than there is room
 * for. Answers the counts where there is none.
 */
const take = `
local per, requests, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local held = redis.call('HMGET', KEYS[1], 's', 'c', 'p')
local stretch, current, previous = tonumber(held[1]), tonumber(held[2]) or 0, tonumber(held[3]) or 0
local here = math.floor(now / per)
if not stretch or here > stretch then
  previous = stretch and here == stretch + 1 and current or 0
  current = 0
  stretch = here
end
local elapsed = math.min(1, math.max(0, now / per - stretch))
local text = string.format('%.0f', stretch)
if previous * (1 - elapsed) + current >= requests then return { text, current, previous } end
redis.call('HSET', KEYS[1], 's', text, 'c', current + 1, 'p', previous)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {}`

/** Counts that all who share a Redis or Valkey add to. */
export const createRedisRateLimits = (database: RedisDatabase): RateLimits => ({
  async take(key, limit, now) {
    const { requests, per } = limit
    const name = `${prefix}${per} ${key}`
    const words = [String(per), String(requests), String(now), keptFor(2 * per)]
    const reply = await database.run(name, 'EVAL', take, '1', name, ...words)
    const counts = Array.isArray(reply) ? reply.map(Number) : undefined
    if (counts === undefined) throw new Error('the store answers a count with something else than counts')
    if (counts.length === 0) return { passes: true }
    const [stretch = 0, current = 0, previous = 0] = counts
    return { passes: false, roomIn: untilRoom({ stretch, current, previous }, limit, now) }
  },
})
