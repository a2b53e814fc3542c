import { readFileSync } from 'node:fs'
import { Pool, type PoolConfig } from 'pg'
import type { Log } from '../../ports/log.ts'
import { type PostgresDatabase, postgresTables, postgresTablesFound } from '../../stores/postgres.ts'
import { type PostgresLocation, postgresLocation, postgresName } from './postgres-location.ts'

/** A PostgreSQL that is connected. */
export interface OpenPostgres extends PostgresDatabase {
  close(): Promise<void>
}

/** After so long without an answer there is none, in milliseconds. */
const patience = 2_000
const maxConnections = 8

/**
 * Whatever a role, a database or a later change of its settings says: what is answered is on disk, and who loses a race is
 * told so rather than that the transaction cannot be ordered.
 */
const session = String.raw`-c synchronous_commit=on -c default_transaction_isolation=read\ committed`

/**
 * Connects, makes the tables that are not there, and sees to it that what is claimed there is on disk when it is answered.
 *
 * @throws Error that says what is wrong, and nothing of who we are there
 */
export const openPostgres = async (text: string, log: Log): Promise<OpenPostgres> => {
  const location = postgresLocation(text)
  const name = postgresName(location)
  const pool = new Pool({ ...whereIn(location), ...manner })
  // A connection that is lost while nobody uses it is replaced by the next that is needed.
  pool.on('error', (cause) =>
    log.warn('a connection to the state is lost', { state: name, because: messageOf(cause, location) }),
  )
  /** Without its cause, which tells who we are there. */
  const retold = (cause: unknown): never => {
    throw new Error(messageOf(cause, location))
  }
  const rows: PostgresDatabase['rows'] = async (statement, ...values) => {
    const query = { text: statement, values: [...values], rowMode: 'array' as const }
    const result = await pool.query<unknown[]>(query).catch(retold)
    return result.rows
  }
  try {
    await makeTables(pool, rows).catch(retold)
    await requireDurable(rows)
  } catch (cause) {
    await pool.end()
    throw new Error(`the state at ${name} cannot be used: ${messageOf(cause, location)}`, { cause })
  }
  return { rows, close: () => pool.end() }
}

/** Who may not make tables may use those that are there. */
const makeTables = async (pool: Pool, rows: PostgresDatabase['rows']): Promise<void> => {
  const [found = []] = await rows(postgresTablesFound)
  if (found.every((name) => name !== null)) return
  await pool.query(postgresTables)
}

/** Nothing of a location can take the place of these. */
const manner = {
  max: maxConnections,
  connectionTimeoutMillis: patience,
  statement_timeout: patience,
  query_timeout: patience,
  keepAlive: true,
  application_name: 'dragoman',
  options: session,
  // A server that hangs does not answer our good-bye either, and does not hold up the end of the process.
  allowExitOnIdle: true,
} satisfies PoolConfig

const whereIn = ({ tls, authorities, ...rest }: PostgresLocation): PoolConfig => ({
  ...rest,
  ssl: tls && (authorities === undefined ? true : { ca: authoritiesIn(authorities) }),
})

const authoritiesIn = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Error('the location of the state has an sslrootcert that cannot be read', { cause })
  }
}

/** What went wrong, without the name that the server repeats to us. */
const messageOf = (cause: unknown, { user }: PostgresLocation): string => {
  // Of several addresses that all failed there is a list, which says nothing itself.
  const [first] = cause instanceof AggregateError ? cause.errors : [cause]
  const message = first instanceof Error ? first.message : 'no reason given'
  return user === undefined ? message : message.replaceAll(`"${user}"`, 'of this location')
}

/** @throws Error when a claim could be lost after it was answered */
const requireDurable = async (rows: PostgresDatabase['rows']): Promise<void> => {
  for (const setting of ['synchronous_commit', 'fsync']) {
    const [row] = await rows(`SHOW ${setting}`)
    if (row?.[0] === 'off') throw new Error(`it may forget what was used once: set ${setting} to on`)
  }
}
