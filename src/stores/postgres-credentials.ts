import type { CredentialStore } from '../ports/credential-store.ts'
import { type PostgresDatabase, sweeping } from './postgres.ts'

const read = 'SELECT sealed FROM dragoman_credential WHERE id = $1 AND until > $2'
const write = `
  INSERT INTO dragoman_credential (id, until, sealed) VALUES ($1, $2, $3)
  ON CONFLICT (id) DO UPDATE SET until = excluded.until, sealed = excluded.sealed`
const remove = 'DELETE FROM dragoman_credential WHERE id = $1'

/** Credentials that all who share a PostgreSQL find. */
export const createPostgresCredentials = (database: PostgresDatabase): CredentialStore => {
  const sweep = sweeping(database, 'dragoman_credential')
  return {
    async get(key, now) {
      const [row] = await database.rows(read, key, now)
      const sealed = row?.[0]
      return typeof sealed === 'string' ? sealed : undefined
    },
    async put(key, sealed, until, now) {
      await sweep(now)
      await database.rows(write, key, until, sealed)
    },
    async delete(key) {
      await database.rows(remove, key)
    },
  }
}
