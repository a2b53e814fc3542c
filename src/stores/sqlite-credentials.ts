import type { Instant, Seconds } from '../domain/time.ts'
import type { CredentialStore } from '../ports/credential-store.ts'
import type { SqlDatabase } from './sqlite.ts'

const createTable = `
  CREATE TABLE IF NOT EXISTS credential (id TEXT PRIMARY KEY, until REAL NOT NULL, sealed TEXT NOT NULL) STRICT, WITHOUT ROWID`
const createIndex = 'CREATE INDEX IF NOT EXISTS credential_until ON credential (until)'
const read = 'SELECT sealed FROM credential WHERE id = ? AND until > ?'
const write = `
  INSERT INTO credential (id, until, sealed) VALUES (?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET until = excluded.until, sealed = excluded.sealed`
const remove = 'DELETE FROM credential WHERE id = ?'
const forget = 'DELETE FROM credential WHERE id IN (SELECT id FROM credential WHERE until < ? LIMIT 1000)'

/** What has no end is kept for longer than anybody waits. */
const longest: Instant = 8_640_000_000_000
const sweepEvery: Seconds = 60

/** A database that is read from as well. */
export interface ReadableDatabase extends SqlDatabase {
  /** The first column of the first row, a text; undefined: there is no row. */
  text(statement: string, ...values: readonly (string | number)[]): string | undefined | Promise<string | undefined>
}

/** Credentials that outlive the process, in a database file that several may share. */
export const createSqliteCredentials = async (database: ReadableDatabase): Promise<CredentialStore> => {
  await database.run(createTable)
  await database.run(createIndex)
  let sweptAt: Instant = Number.NEGATIVE_INFINITY
  return {
    get: async (key, now) => database.text(read, key, now),
    async put(key, sealed, until, now) {
      if (now >= sweptAt + sweepEvery) {
        sweptAt = now
        await database.run(forget, now)
      }
      await database.run(write, key, Math.min(until, longest), sealed)
    },
    async delete(key) {
      await database.run(remove, key)
    },
  }
}
