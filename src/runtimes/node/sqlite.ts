import { chmodSync, closeSync, constants, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { StatementSync } from 'node:sqlite'
import type { ReadableDatabase } from '../../stores/sqlite-credentials.ts'

/** A database file that is open. */
export interface OpenDatabase extends ReadableDatabase {
  readonly run: (statement: string, ...values: readonly (string | number)[]) => number
  readonly text: (statement: string, ...values: readonly (string | number)[]) => string | undefined
  readonly close: () => void
}

/** How long a statement waits for another process, in milliseconds. The event loop waits with it, so it is short. */
const busyTimeout = 250

/**
 * Opens the database file at `path`, which only its owner may read or write; makes it, and its folder, when it is not
 * there. With the write-ahead log a crash of the process loses nothing; a power failure may lose the last moments.
 *
 * @throws Error when the file cannot be opened or is not a database
 */
export const openSqlite = (path: string): OpenDatabase => {
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600))
  chmodSync(path, 0o600)
  const database = new DatabaseSync(path, { timeout: busyTimeout })
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF')
  const prepared = new Map<string, StatementSync>()
  const prepare = (statement: string): StatementSync => {
    const known = prepared.get(statement) ?? database.prepare(statement)
    prepared.set(statement, known)
    return known
  }
  return {
    run: (statement, ...values) => Number(prepare(statement).run(...values).changes),
    text(statement, ...values) {
      const [found] = Object.values(prepare(statement).get(...values) ?? {})
      return typeof found === 'string' ? found : undefined
    },
    close: () => database.close(),
  }
}
