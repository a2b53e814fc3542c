import { Pool } from 'pg'
import type { Log } from '../../ports/log.ts'
import { type PostgresDatabase, postgresTables, postgresTablesFound } from '../../stores/postgres.ts'

/** A PostgreSQL that is connected. */
export interface OpenPostgres extends PostgresDatabase {
  close(): Promise<void>
}

/** After so long without an answer there is none, in milliseconds. */
const patience = 2_000
const maxConnections = 8

/**
 * Connects, makes the tables that are not there, and sees to it that what is claimed there is on disk when it is answered.
 *
 * @throws Error that says what is wrong, and nothing of the password
 */
export const openPostgres = async (location: string, log: Log): Promise<OpenPostgres> => {
  const name = nameOf(location)
  const pool = new Pool({
    connectionString: location,
    max: maxConnections,
    connectionTimeoutMillis: patience,
    statement_timeout: patience,
    query_timeout: patience,
    keepAlive: true,
    application_name: 'dragoman',
  })
  // A connection that is lost while nobody uses it is replaced by the next that is needed.
  pool.on('error', (cause) => log.warn('a connection to the state is lost', { state: name, because: cause.message }))
  const rows: PostgresDatabase['rows'] = async (text, ...values) => {
    const result = await pool.query<unknown[]>({ text, values: [...values], rowMode: 'array' })
    return result.rows
  }
  try {
    await makeTables(pool, rows)
    await requireDurable(rows)
  } catch (cause) {
    await pool.end()
    const because = cause instanceof Error ? cause.message : 'no reason given'
    throw new Error(`the state at ${name} cannot be used: ${because}`, { cause })
  }
  return { rows, close: () => pool.end() }
}

/** Who may not make tables may use those that are there. */
const makeTables = async (pool: Pool, rows: PostgresDatabase['rows']): Promise<void> => {
  const [found = []] = await rows(postgresTablesFound)
  if (found.every((name) => name !== null)) return
  await pool.query(postgresTables)
}

/** For people: where it is, without who we are there. */
const nameOf = (location: string): string => {
  if (!URL.canParse(location)) throw new Error('the location of the state is no URL')
  const { host, pathname } = new URL(location)
  return `${host}${pathname}`
}

/** @throws Error when a claim could be lost after it was answered */
const requireDurable = async (rows: PostgresDatabase['rows']): Promise<void> => {
  for (const setting of ['synchronous_commit', 'fsync']) {
    const [row] = await rows(`SHOW ${setting}`)
    if (row?.[0] === 'off') throw new Error(`it may forget what was used once: set ${setting} to on`)
  }
}
