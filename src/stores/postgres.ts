import type { Instant, Seconds } from '../domain/time.ts'
import type { Digest } from '../ports/digest.ts'
import type { ReplayGuard } from '../ports/replay.ts'
import { replayKey, requireFuture } from './replay-key.ts'

/** What is asked of PostgreSQL; a platform opens it. */
export interface PostgresDatabase {
  /** The rows of one statement, each a list of its columns. Throws when it could not, or when nobody answers soon. */
  rows(statement: string, ...values: readonly (string | number)[]): Promise<readonly (readonly unknown[])[]>
}

/**
 * The tables of all kinds, made by whoever comes first: one transaction, and one instance at a time, since two that make
 * the same table at once disturb each other. Ids are compared octet by octet: the order of a language changes with the
 * operating system, and an index in an order that has changed no longer finds what was claimed.
 */
export const postgresTables = `
  BEGIN;
  SELECT pg_advisory_xact_lock(7238012951);
  CREATE TABLE IF NOT EXISTS dragoman_once (id text COLLATE "C" PRIMARY KEY, until double precision NOT NULL);
  CREATE INDEX IF NOT EXISTS dragoman_once_until ON dragoman_once (until);
  CREATE TABLE IF NOT EXISTS dragoman_credential
    (id text COLLATE "C" PRIMARY KEY, until double precision NOT NULL, sealed text NOT NULL);
  CREATE INDEX IF NOT EXISTS dragoman_credential_until ON dragoman_credential (until);
  CREATE TABLE IF NOT EXISTS dragoman_rate
    (id text COLLATE "C" PRIMARY KEY, until double precision NOT NULL, stretch double precision NOT NULL,
     current bigint NOT NULL, previous bigint NOT NULL);
  CREATE INDEX IF NOT EXISTS dragoman_rate_until ON dragoman_rate (until);
  COMMIT`

/** Their names, or null for each that is not there. */
export const postgresTablesFound = `
  SELECT to_regclass('dragoman_once')::text, to_regclass('dragoman_credential')::text, to_regclass('dragoman_rate')::text`

/** One statement, so that of all who race exactly one is given a row. */
const claim = `
  INSERT INTO dragoman_once AS known (id, until) VALUES ($1, $2)
  ON CONFLICT (id) DO UPDATE SET until = excluded.until WHERE known.until < $3
  RETURNING 1`

/** Takes the lock that writing takes and changes nothing. */
const probe = 'DELETE FROM dragoman_once WHERE until < -1'

/** Single use across all who share a PostgreSQL. Any fault of it is thrown. */
export const createPostgresReplayGuard = (database: PostgresDatabase, digest: Digest): ReplayGuard => {
  const sweep = sweeping(database, 'dragoman_once')
  return {
    async once(namespace, id, until, now) {
      requireFuture(until, now)
      const key = await replayKey(namespace, id, digest)
      await sweep(now)
      return (await database.rows(claim, key, until, now)).length === 1
    },
    async check() {
      await database.rows(probe)
    },
  }
}

const sweepEvery: Seconds = 10
/** Instances whose clocks lag may still accept what has expired by ours, so it is kept for longer. */
const clockDifference: Seconds = 300
/** How many rows are forgotten at a time, so that nobody waits long for it. */
const portion = 1_000

/**
 * Forgets what has expired in `table`: now and then, past those that another instance forgets at this moment, and more
 * often while there is more to forget. It has expired by our clock and by the server's, so that one instance whose clock
 * is fast does not forget what others still accept.
 */
export const sweeping = (database: PostgresDatabase, table: string): ((now: Instant) => Promise<void>) => {
  const forget = `
    DELETE FROM ${table} WHERE id = ANY (ARRAY
      (SELECT id FROM ${table}
        WHERE until < least($1::double precision, extract(epoch FROM now())::double precision) - ${clockDifference}
        LIMIT ${portion} FOR UPDATE SKIP LOCKED))
    RETURNING 1`
  let sweptAt: Instant = Number.NEGATIVE_INFINITY
  return async (now) => {
    if (Math.abs(now - sweptAt) < sweepEvery) return
    sweptAt = now
    const forgotten = await database.rows(forget, now)
    if (forgotten.length === portion) sweptAt = Number.NEGATIVE_INFINITY
  }
}
