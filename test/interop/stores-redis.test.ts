import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNodeDigest } from '../../src/runtimes/node/digest.ts'
import { type OpenRedis, openRedis } from '../../src/runtimes/node/redis.ts'
import { createRedisReplayGuard } from '../../src/stores/redis.ts'
import { createRedisCredentials } from '../../src/stores/redis-credentials.ts'
import { createRedisRateLimits } from '../../src/stores/redis-rate-limits.ts'
import { credentialStoreCases } from '../stores/credential-store-cases.ts'
import { rateLimitsCases } from '../stores/rate-limits-cases.ts'
import { replayGuardCases, type Two } from '../stores/replay-guard-cases.ts'
import { eventually } from '../world/dragoman.ts'
import { password, type Redis, startRedis } from './stores/redis.ts'
import { startCluster, startSentinel, type Topology } from './stores/redis-topologies.ts'

/** Redis as a store: alone, in a cluster, and with a replica that takes the master's place. */

const said: string[] = []
const log = {
  info: (message: string, fields = {}) => void said.push(JSON.stringify([message, fields])),
  warn: (message: string, fields = {}) => void said.push(JSON.stringify([message, fields])),
}
const digest = createNodeDigest()
const now = Math.floor(Date.now() / 1_000)

const guardOf = (database: OpenRedis) => createRedisReplayGuard(database, digest)

describe('what every store must be', () => {
  let redis: Redis
  const opened: OpenRedis[] = []
  beforeAll(async () => {
    redis = await startRedis()
    for (let n = 0; n < 2; n += 1) opened.push(await openRedis(`redis://127.0.0.1:${redis.port}`, log))
    return async () => {
      await Promise.all(opened.map((database) => database.close()))
      await redis.stop()
    }
  })
  const two = <Kind>(create: (database: OpenRedis) => Kind): Two<Kind> => {
    const [one, another] = opened
    if (one === undefined || another === undefined) throw new Error('there are not two connections')
    return [create(one), create(another)]
  }
  replayGuardCases('Redis', () => two(guardOf))
  credentialStoreCases('Redis', () => two(createRedisCredentials))
  rateLimitsCases('Redis', () => two(createRedisRateLimits), 30)
})

describe('a Redis', () => {
  let redis: Redis
  let database: OpenRedis
  const location = (secret: string, port: number) => `redis://:${secret}@127.0.0.1:${port}/2`
  beforeAll(async () => {
    redis = await startRedis({ settings: { requirepass: password } })
    database = await openRedis(location(password, redis.port), log)
    return async () => {
      await database.close()
      await redis.stop()
    }
  })

  it('does not know what was claimed, and forgets it some time after', async () => {
    const guard = guardOf(database)
    expect(await guard.once('assertion', 'a-jti-of-somebody', now + 60, now)).toBe(true)
    const [name = ''] = (await redis.ask('-n', '2', '--scan')).trim().split('\n')
    expect(name).not.toContain('a-jti-of-somebody')
    const left = Number(await redis.ask('-n', '2', 'pttl', name))
    expect(left).toBeGreaterThan(350_000)
    expect(left).toBeLessThanOrEqual(360_000)
  })

  it.each([
    ['another password', () => location('another-secret', redis.port), /cannot be reached: WRONGPASS/],
    ['no password', () => `redis://127.0.0.1:${redis.port}`, /cannot be used: NOAUTH/],
    ['nobody there', () => location(password, 1), /cannot be reached: connect ECONNREFUSED/],
  ])('is not opened with %s, and the password is not told', async (_what, where, fault) => {
    const attempt = openRedis(where(), log)
    await expect(attempt).rejects.toThrow(fault)
    await expect(attempt).rejects.not.toThrow(/another-secret|the-store-of/)
  })

  it.each([
    [{ appendonly: 'no' }, /forgets what was used once: set appendonly to yes/],
    [{ 'maxmemory-policy': 'allkeys-lru' }, /may push out what was used once: set maxmemory-policy to noeviction/],
    [{ 'maxmemory-policy': 'volatile-ttl' }, /may push out/],
  ])('is not opened with the settings %j', async (settings, fault) => {
    const careless = await startRedis({ settings })
    try {
      await expect(openRedis(`redis://127.0.0.1:${careless.port}`, log)).rejects.toThrow(fault)
    } finally {
      await careless.stop()
    }
  })

  it('that does not tell its settings is opened, and a warning says what they must be', async () => {
    await redis.ask(
      'acl',
      'setuser',
      'app',
      'on',
      '>pass',
      '~dragoman:*',
      '+eval',
      '+get',
      '+set',
      '+del',
      '+ping',
      '+select',
      '+hmget',
      '+hset',
      '+pexpire',
    )
    const limited = await openRedis(`redis://app:pass@127.0.0.1:${redis.port}`, log)
    expect(said.join('\n')).toContain('maxmemory-policy noeviction and appendonly yes')
    const guard = guardOf(limited)
    await guard.check()
    expect(await guard.once('a', 'limited', now + 60, now)).toBe(true)
    const credentials = createRedisCredentials(limited)
    await credentials.put('k', 'sealed', Number.POSITIVE_INFINITY, now)
    expect(await credentials.get('k', now + 1e9)).toBe('sealed')
    await credentials.delete('k')
    expect(await credentials.get('k', now)).toBeUndefined()
    expect(await createRedisRateLimits(limited).take('k', { requests: 1, per: 60 }, now)).toEqual({ passes: true })
    await limited.close()
  })

  it('that is full says so and claims nothing', async () => {
    const full = await startRedis({ settings: { maxmemory: '1' } })
    const cramped = await openRedis(`redis://127.0.0.1:${full.port}`, log)
    try {
      await expect(guardOf(cramped).once('a', 'b', now + 60, now)).rejects.toThrow('OOM')
      await expect(guardOf(cramped).check()).rejects.toThrow('OOM')
    } finally {
      await cramped.close()
      await full.stop()
    }
  })
})

const topologies: readonly (readonly [string, () => Promise<Topology>])[] = [
  ['a cluster', startCluster],
  ['a master and its replica', startSentinel],
]

describe.each(topologies)('%s', (_name, start) => {
  let topology: Topology
  let [one, another]: OpenRedis[] = []
  beforeAll(async () => {
    topology = await start()
    one = await openRedis(topology.location, log)
    another = await openRedis(topology.location, log)
  }, 60_000)
  afterAll(async () => {
    await Promise.all([one?.close(), another?.close()])
    await topology?.stop()
  }, 60_000)

  it('lets exactly one of 64 win, over two connections, wherever the key belongs', async () => {
    const guards = [one, another].flatMap((database) => (database === undefined ? [] : [guardOf(database)]))
    const claim = async (id: string, n: number) => guards[n % 2]?.once('race', id, now + 60, now) ?? false
    for (let round = 0; round < 20; round += 1) {
      const racers = Array.from({ length: 64 }, (_, n) => claim(`id-${round}`, n))
      expect((await Promise.all(racers)).filter(Boolean)).toHaveLength(1)
    }
  })
})

describe('a master that is lost', () => {
  it('takes no claim with it', async () => {
    const topology = await startSentinel()
    const database = await openRedis(topology.location, log)
    const guard = guardOf(database)
    const restarted: Redis[] = []
    try {
      const claimed = new Set<string>()
      const claim = async (id: string) => {
        if (await guard.once('lost', id, now + 600, now)) claimed.add(id)
      }
      await Promise.all(Array.from({ length: 50 }, (_, n) => claim(`before-${n}`)))
      expect(claimed.size).toBe(50)
      const racing = Array.from({ length: 200 }, (_, n) => claim(`racing-${n}`))
      await topology.servers[0]?.kill()
      await Promise.allSettled(racing)
      // One replica must know of every claim: the old master comes back as that.
      const old = await topology.servers[0]?.restart()
      restarted.push(...(old === undefined ? [] : [old]))
      await eventually(() => guard.once('after', crypto.randomUUID(), now + 60, now).catch(() => undefined), 30_000)
      for (const id of claimed) expect(await guard.once('lost', id, now + 600, now)).toBe(false)
    } finally {
      await database.close()
      await Promise.all(restarted.map((server) => server.stop()))
      await topology.stop()
    }
  }, 90_000)
})
