import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createNodeDigest } from '../../src/runtimes/node/digest.ts'
import { type OpenPostgres, openPostgres } from '../../src/runtimes/node/postgres.ts'
import { createPostgresReplayGuard } from '../../src/stores/postgres.ts'
import { createPostgresCredentials } from '../../src/stores/postgres-credentials.ts'
import { createPostgresRateLimits } from '../../src/stores/postgres-rate-limits.ts'
import { credentialStoreCases } from '../stores/credential-store-cases.ts'
import { rateLimitsCases } from '../stores/rate-limits-cases.ts'
import { replayGuardCases, type Two } from '../stores/replay-guard-cases.ts'
import { eventually, newFolder, removeFolder } from '../world/dragoman.ts'
import { openssl } from './certificates/openssl.ts'
import { must } from './command.ts'
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
    ['no URL', () => 'postgres://', /is no URL|names no host/],
  ])('is not opened with %s, and the password is not told', async (_what, where, fault) => {
    const attempt = openPostgres(where(), log)
    await expect(attempt).rejects.toThrow(fault)
    await expect(attempt).rejects.not.toThrow(/another-secret|the-store-of/)
  })

  it('says nothing of who we are there, in any error', async () => {
    const attempt = openPostgres(`postgres://nobody-known:another-secret@127.0.0.1:${postgres.port}/postgres`, log)
    const fault: unknown = await attempt.catch((thrown: unknown) => thrown)
    expect(inspect(fault, { depth: 9, showHidden: true })).not.toMatch(/nobody-known|another-secret/)
  })

  it('is not opened where fsync is off', async () => {
    const careless = await startPostgres({ settings: ['fsync=off'] })
    try {
      await expect(openPostgres(careless.location, log)).rejects.toThrow('set fsync to on')
    } finally {
      await careless.stop()
    }
  })

  it('writes to disk before it answers, and takes no order of transactions, whatever its role says', async () => {
    const careless = await startPostgres({ settings: ['synchronous_commit=off'] })
    onTestFinished(careless.stop)
    await careless.query("alter role dragoman set default_transaction_isolation = 'serializable'")
    const open = async () => {
      const database = await openPostgres(careless.location, log)
      onTestFinished(() => database.close())
      return database
    }
    const [one, another] = [await open(), await open()]
    expect(await one.rows('SHOW synchronous_commit')).toEqual([['on']])
    const [ours, theirs] = [guardOf(one), guardOf(another)]
    const racers = Array.from({ length: 64 }, (_, n) => (n % 2 === 0 ? ours : theirs).once('race', 'id', 200, 100))
    expect((await Promise.all(racers)).filter(Boolean)).toHaveLength(1)
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

  it('forgets as fast as it learns', async () => {
    const [guard] = two(guardOf)
    for (let second = 0; second < 600; second += 5) {
      const [until, now] = [2_000_030 + second, 2_000_000 + second]
      await Promise.all(Array.from({ length: 1_000 }, (_, n) => guard.once('many', `${second} ${n}`, until, now)))
    }
    const left = await postgres.query('select count(*) from dragoman_once where until between 2000000 and 2001000')
    // Of 200 a second all that lived in the last 330 seconds, and what is left from one look to the next.
    expect(Number(left)).toBeLessThan(72_000)
  })

  it('does not forget what others accept because the clock of one is fast', async () => {
    // What else has expired would be forgotten first.
    await postgres.query('truncate dragoman_once')
    const [right, fast] = two(guardOf)
    const now = Math.floor(Date.now() / 1_000)
    expect(await right.once('clocks', 'id', now + 600, now)).toBe(true)
    await fast.once('clocks', 'another', now + 9_000, now + 5_000)
    expect(await right.once('clocks', 'id', now + 600, now + 20)).toBe(false)
  })

  it('that is locked by somebody is an error in time, and decides again when it is not', async () => {
    const [guard] = two(guardOf)
    const holding = postgres.query('begin; lock table dragoman_once; select pg_sleep(4); commit')
    await sleep(500)
    const begun = performance.now()
    await expect(guard.once('locked', 'id', 200, 100)).rejects.toThrow(/timeout/)
    expect(performance.now() - begun).toBeLessThan(4_000)
    await holding
    expect(await guard.once('locked', 'id', 200, 100)).toBe(true)
  })
})

describe('a PostgreSQL that hangs', () => {
  let hanging: Postgres
  beforeAll(async () => {
    hanging = await startPostgres()
  }, 60_000)
  afterAll(() => hanging?.stop())

  it('is an error in time, whoever asks and however many, and decides again when it goes on', async () => {
    const database = await openPostgres(hanging.location, log)
    const guard = guardOf(database)
    await guard.once('hanging', 'before', 200, 100)
    const begun = performance.now()
    await hanging.whileHanging(async () => {
      const racers = Array.from({ length: 64 }, (_, n) => guard.once('hanging', `id ${n}`, 200, 100))
      const ends = await Promise.allSettled([...racers, guard.check(), openPostgres(hanging.location, log)])
      expect(ends.filter(({ status }) => status === 'fulfilled')).toEqual([])
    })
    expect(performance.now() - begun).toBeLessThan(5_000)
    expect(await guard.once('hanging', 'after', 200, 100)).toBe(true)
    await database.close()
  })

  it('holds up nobody who ends', async () => {
    const program = `
      const { openPostgres } = await import(${JSON.stringify(new URL('../../src/runtimes/node/postgres.ts', import.meta.url))})
      const database = await openPostgres(${JSON.stringify(hanging.location)}, { info() {}, warn() {} })
      console.log('open')
      process.stdin.once('data', () => void database.close()).once('end', () => undefined)`
    const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: 15_000,
    })
    await once(child.stdout, 'data')
    await hanging.whileHanging(async () => {
      child.stdin.end('close')
      expect(await once(child, 'exit')).toEqual([0, null])
    })
  })
})

describe('a PostgreSQL that is killed', () => {
  let killed: Postgres
  const databases: OpenPostgres[] = []
  beforeAll(async () => {
    killed = await startPostgres()
    databases.push(...(await Promise.all([0, 1].map(() => openPostgres(killed.location, log)))))
  }, 60_000)
  afterAll(async () => {
    await Promise.all(databases.map((database) => database.close()))
    await killed?.stop()
  })

  it('lets no id be won twice, throws while it is away, and decides again when it is back', async () => {
    const guards = databases.map(guardOf)
    const claim = async (n: number, id: string) => guards[n % 2]?.once('killed', id, 900, 100) ?? false
    const wins: string[] = []
    const race = async (racer: number, round: number, { signal }: AbortController) => {
      for (let n = 0; !signal.aborted; n++) {
        const id = `${round}-${n}`
        const hasWon = await claim(racer, id).catch(() => sleep(5).then(() => false))
        if (hasWon) wins.push(id)
      }
    }
    const decides = (n: number) => claim(n, randomUUID()).catch(() => undefined)
    for (let round = 0; round < 4; round++) {
      const end = new AbortController()
      const racing = Array.from({ length: 32 }, (_, racer) => race(racer, round, end))
      await sleep(300)
      await killed.kill()
      await expect(claim(round, 'meanwhile')).rejects.toThrow()
      end.abort()
      await Promise.all(racing)
      killed = await killed.restart()
      for (const n of [0, 1]) await eventually(() => decides(n), 10_000)
      for (const id of wins) expect(await claim(round, id)).toBe(false)
    }
    expect(wins.length).toBeGreaterThan(40)
    expect(new Set(wins).size).toBe(wins.length)
  }, 120_000)
})

describe('a PostgreSQL with TLS', () => {
  const folder = newFolder()
  let secure: Postgres
  let authorities: string
  beforeAll(async () => {
    const ours = () => mkdtempSync(join(folder, 'issued-'))
    const root = await openssl.issue(ours(), 'p256', { commonName: 'the root', authority: {} })
    const names = { ip: ['127.0.0.1'] }
    const leaf = await openssl.issue(ours(), 'p256', { commonName: 'postgres', names, purposes: ['server'] }, root)
    authorities = root.certificate
    chmodSync(folder, 0o755)
    must('giving a certificate to postgres', 'chown', ['-R', 'postgres', folder])
    const settings = ['ssl=on', `ssl_cert_file=${leaf.certificate}`, `ssl_key_file=${leaf.key}`]
    secure = await startPostgres({ settings })
  }, 60_000)
  afterAll(async () => {
    await secure?.stop()
    removeFolder(folder)
  })

  it('is spoken to in secret when its certificate leads to whom we trust', async () => {
    const database = await openPostgres(`${secure.location}?sslmode=verify-full&sslrootcert=${authorities}`, log)
    expect(await database.rows('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')).toEqual([[true]])
    await database.close()
  })

  it.each(['require', 'verify-full'])('is not believed by sslmode=%s when it does not', async (mode) => {
    await expect(openPostgres(`${secure.location}?sslmode=${mode}`, log)).rejects.toThrow(/certificate/)
  })

  it('is not believed under a name that its certificate has not', async () => {
    const elsewhere = secure.location.replace('127.0.0.1', 'localhost')
    const attempt = openPostgres(`${elsewhere}?sslmode=verify-full&sslrootcert=${authorities}`, log)
    await expect(attempt).rejects.toThrow(/cert|altname/i)
  })
})
