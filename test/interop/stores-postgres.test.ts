import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNodeDigest } from '../../src/runtimes/node/digest.ts'
import { type OpenPostgres, openPostgres } from '../../src/runtimes/node/postgres.ts'
import { createPostgresReplayGuard } from '../../src/stores/postgres.ts'
import { createPostgresCredentials } from '../../src/stores/postgres-credentials.ts'
import { createPostgresRateLimits } from '../../src/stores/postgres-rate-limits.ts'
import { credentialStoreCases } from '../stores/credential-store-cases.ts'
import { rateLimitsCases } from '../stores/rate-limits-cases.ts'
import { replayGuardCases, type Two } from '../stores/replay-guard-cases.ts'
import { type Postgres, startPostgres } from './stores/postgres.ts'
import { password } from './stores/redis.ts'

/** PostgreSQL as a store. */

const log = { info: () => undefined, warn: () => undefined }
const digest = createNodeDigest()
const guardOf = (database: OpenPostgres) => createPostgresReplayGuard(database, digest)

let postgres: Postgres
const opened: OpenPostgres[] = []
beforeAll(async () => {
  postgres = await startPostgres()
  // Instances that start at once all find the tables missing.
  opened.push(...(await Promise.all([0, 1, 2, 3].map(() => openPostgres(postgres.location, log)))))
}, 60_000)
afterAll(async () => {
  await Promise.all(opened.map((database) => database.close()))
  await postgres?.stop()
})

const two = <Kind>(create: (database: OpenPostgres) => Kind): Two<Kind> => {
  const [one, another] = opened
  if (one === undefined || another === undefined) throw new Error('there are not two connections')
  return [create(one), create(another)]
}

replayGuardCases('PostgreSQL', () => two(guardOf))
credentialStoreCases('PostgreSQL', () => two(createPostgresCredentials))
rateLimitsCases('PostgreSQL', () => two(createPostgresRateLimits), 20)

describe('a PostgreSQL', () => {
  it('does not know what was claimed, and forgets it some time after', async () => {
    const [guard] = two(guardOf)
    await guard.once('assertion', 'a-jti-of-somebody', 1_000_060, 1_000_000)
    const claimed = await postgres.query('select id from dragoman_once where until = 1000060')
    expect(claimed.trim()).toMatch(/^[A-Za-z0-9_-]{43}$/)
    await guard.once('assertion', 'of-another', 1_000_400, 1_000_350)
    expect(await postgres.query('select count(*) from dragoman_once where until = 1000060')).toBe('1\n')
    await guard.once('assertion', 'of-a-third', 1_000_500, 1_000_400)
    expect(await postgres.query('select count(*) from dragoman_once where until = 1000060')).toBe('0\n')
  })

  it.each([
    [
      'another password',
      () => `postgres://dragoman:another-secret@127.0.0.1:${postgres.port}/postgres`,
      /password authentication failed/,
    ],
    ['no such database', () => `postgres://dragoman:${password}@127.0.0.1:${postgres.port}/none`, /does not exist/],
    ['nobody there', () => `postgres://dragoman:${password}@127.0.0.1:1/postgres`, /ECONNREFUSED/],
    ['no URL', () => 'postgres://', /is no URL|cannot be used/],
  ])('is not opened with %s, and the password is not told', async (_what, where, fault) => {
    const attempt = openPostgres(where(), log)
    await expect(attempt).rejects.toThrow(fault)
    await expect(attempt).rejects.not.toThrow(/another-secret|the-store-of/)
  })

  it('is used by who may not make tables, where they are', async () => {
    await postgres.query("create role app login password 'pass'")
    const location = `postgres://app:pass@127.0.0.1:${postgres.port}/postgres`
    await postgres.query('revoke create on schema public from public')
    await postgres.query(
      'grant select, insert, update, delete on dragoman_once, dragoman_credential, dragoman_rate to app',
    )
    const limited = await openPostgres(location, log)
    const guard = guardOf(limited)
    await guard.check()
    expect(await guard.once('limited', 'id', 1_000_060, 1_000_000)).toBe(true)
    await createPostgresCredentials(limited).put('limited', 'sealed', Number.POSITIVE_INFINITY, 1_000_000)
    const taken = await createPostgresRateLimits(limited).take('limited', { requests: 1, per: 60 }, 1_000_000)
    expect(taken).toEqual({ passes: true })
    await limited.close()
  })

  it.each(['synchronous_commit', 'fsync'])('is not opened where %s is off', async (setting) => {
    const careless = await startPostgres({ settings: [`${setting}=off`] })
    try {
      await expect(openPostgres(careless.location, log)).rejects.toThrow(`set ${setting} to on`)
    } finally {
      await careless.stop()
    }
  })
})
