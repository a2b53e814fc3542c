import type { Instant, Seconds } from '../domain/time.ts'
import type { Digest } from '../ports/digest.ts'
import type { ReplayGuard } from '../ports/replay.ts'
import { replayKey, requireFuture } from './replay-key.ts'

/** What is asked of an SQLite database; a platform opens one. */
export interface SqlDatabase {
  /** Runs one statement, waits until it is done, and yields how many rows it changed. Throws when it could not. */
  run(statement: string, ...values: readonly (string | number)[]): number | Promise<number>
}

const createTable = `
  CREATE TABLE IF NOT EXISTS replay (id TEXT PRIMARY KEY, until REAL NOT NULL) STRICT, WITHOUT ROWID`
const createIndex = 'CREATE INDEX IF NOT EXISTS replay_until ON replay (until)'

/** One statement, so that of all who race exactly one changes a row. */
const claim = `
  INSERT INTO replay (id, until) VALUES (?, ?)
  ON CONFLICT (id) DO UPDATE SET until = excluded.until WHERE replay.until < ?`

/** How many rows are forgotten at a time, so that no claim waits long for it. */
const portion = 1_000
const forget = `DELETE FROM replay WHERE id IN (SELECT id FROM replay WHERE until < ? LIMIT ${portion})`
/** Takes the lock that writing takes and changes nothing. */
const probe = 'DELETE FROM replay WHERE until < -1'

const sweepEvery: Seconds = 10
/** Instances whose clocks lag may still accept what has expired by ours, so it is kept for longer. */
const clockDifference: Seconds = 300

/**
 * Single use across all processes that share a database file. Any fault of the database is thrown.
 *
 * @throws Error when the table cannot be made
 */
export const createSqliteReplayGuard = async (database: SqlDatabase, digest: Digest): Promise<ReplayGuard> => {
  await database.run(createTable)
  await database.run(createIndex)
  let sweptAt: Instant = Number.NEGATIVE_INFINITY

  const sweep = async (now: Instant): Promise<void> => {
    if (Math.abs(now - sweptAt) < sweepEvery) return
    sweptAt = now
    const forgotten = await database.run(forget, now - clockDifference)
    if (forgotten === portion) sweptAt = Number.NEGATIVE_INFINITY
  }

  return {
    async once(namespace, id, until, now) {
      requireFuture(until, now)
      const key = await replayKey(namespace, id, digest)
      await sweep(now)
      return (await database.run(claim, key, until, now)) === 1
    },

    async check() {
      await database.run(probe)
    },
  }
}
