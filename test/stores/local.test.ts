import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { createNodeDigest } from '../../src/runtimes/node/digest.ts'
import { openSqlite } from '../../src/runtimes/node/sqlite.ts'
import { createWebDigest } from '../../src/runtimes/web/digest.ts'
import { createMemoryReplayGuard } from '../../src/stores/memory.ts'
import { createMemoryCredentials } from '../../src/stores/memory-credentials.ts'
import { createMemoryRateLimits } from '../../src/stores/memory-rate-limits.ts'
import { createSqliteReplayGuard } from '../../src/stores/sqlite.ts'
import { createSqliteCredentials } from '../../src/stores/sqlite-credentials.ts'
import { credentialStoreCases } from './credential-store-cases.ts'
import { rateLimitsCases } from './rate-limits-cases.ts'
import { replayGuardCases, type Two } from './replay-guard-cases.ts'

/** The kinds of stores that need nothing but this machine. */

const digest = createNodeDigest()
const folder = mkdtempSync(join(tmpdir(), 'dragoman-stores-'))
const databases = [0, 1].map(() => openSqlite(join(folder, 'state.db')))
afterAll(() => {
  for (const database of databases) database.close()
  rmSync(folder, { recursive: true })
})

const twice = <Kind>(kind: Kind): Two<Kind> => [kind, kind]

/** Two connections to one file. */
const overFile = async <Kind>(create: (database: (typeof databases)[number]) => Promise<Kind>): Promise<Two<Kind>> => {
  const [one, another] = databases
  if (one === undefined || another === undefined) throw new Error('there are not two connections')
  return [await create(one), await create(another)]
}

replayGuardCases('memory', () => twice(createMemoryReplayGuard(digest)))
replayGuardCases('memory, where digests take time', () => twice(createMemoryReplayGuard(createWebDigest())))
replayGuardCases('SQLite', () => overFile((database) => createSqliteReplayGuard(database, digest)))
credentialStoreCases('memory', () => twice(createMemoryCredentials()))
credentialStoreCases('SQLite', () => overFile(createSqliteCredentials))
rateLimitsCases('memory', () => twice(createMemoryRateLimits()), 100)
