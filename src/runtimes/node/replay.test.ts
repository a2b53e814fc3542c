import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMemoryReplayGuard } from '../../stores/memory.ts'
import { createSqliteReplayGuard } from '../../stores/sqlite.ts'
import { createNodeDigest } from './digest.ts'
import { openSqlite } from './sqlite.ts'

/** What all kinds of guards have in common is in test/stores/. */

const digest = createNodeDigest()
let folder: string
let files = 0
const freshFile = () => join(folder, `replay-${files++}.db`)
const closers: (() => void)[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dragoman-replay-'))
})
afterAll(() => {
  for (const close of closers) close()
  rmSync(folder, { recursive: true })
})

const openGuard = async (path = freshFile()) => {
  const database = openSqlite(path)
  closers.push(database.close)
  return createSqliteReplayGuard(database, digest)
}

describe('memory', () => {
  it('throws rather than forget when it is full, and recovers when entries expire', async () => {
    const guard = createMemoryReplayGuard(digest, { maxEntries: 3 })
    for (const id of ['1', '2', '3']) expect(await guard.once('a', id, 200, 100)).toBe(true)
    await expect(guard.once('a', '4', 200, 150)).rejects.toThrow('full')
    await expect(guard.check()).rejects.toThrow('full')
    expect(await guard.once('a', '1', 200, 150)).toBe(false)
    expect(await guard.once('a', '4', 300, 201)).toBe(true)
    await expect(guard.check()).resolves.toBeUndefined()
  })

  it('stays bounded by what is alive', async () => {
    const guard = createMemoryReplayGuard(digest, { maxEntries: 100 })
    for (let now = 0; now < 3_000; now++) expect(await guard.once('a', String(now), now + 20, now)).toBe(true)
  })
})

/** A module beside this one, as a literal that another process can import. */
const url = (file: string) => JSON.stringify(pathToFileURL(join(import.meta.dirname, file)).href)

/** Claims ids 0 to `ids` as fast as it can and prints how many it won. */
const racer = (path: string, ids: number) => {
  const program = `
    const { openSqlite } = await import(${url('sqlite.ts')})
    const { createNodeDigest } = await import(${url('digest.ts')})
    const { createSqliteReplayGuard } = await import(${url('../../stores/sqlite.ts')})
    const guard = await createSqliteReplayGuard(openSqlite(${JSON.stringify(path)}), createNodeDigest())
    let won = 0
    for (let id = 0; id < ${ids}; id++) if (await guard.once('race', String(id), 200, 100)) won++
    console.log(won)`
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 15_000,
  })
  const heard = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    heard.out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    heard.err += String(chunk)
  })
  return new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(Number(heard.out)) : reject(new Error(heard.err))))
  })
}

describe('sqlite', () => {
  it('lets exactly one of several processes win each id', async () => {
    const path = freshFile()
    const won = await Promise.all(Array.from({ length: 4 }, () => racer(path, 500)))
    expect(won.reduce((sum, wins) => sum + wins, 0)).toBe(500)
  })

  it('remembers across a restart', async () => {
    const path = freshFile()
    const database = openSqlite(path)
    const guard = await createSqliteReplayGuard(database, digest)
    expect(await guard.once('a', 'id', 200, 100)).toBe(true)
    database.close()
    expect(await (await openGuard(path)).once('a', 'id', 200, 100)).toBe(false)
  })

  it('holds digests only, in files for its owner alone', async () => {
    const path = join(folder, 'made', 'state.db')
    const guard = await openGuard(path)
    await guard.once('namespace-canary', 'id-canary', 200, 100)
    for (const file of readdirSync(join(folder, 'made'))) {
      const text = readFileSync(join(folder, 'made', file), 'latin1')
      expect(text).not.toContain('canary')
      expect(statSync(join(folder, 'made', file)).mode & 0o077).toBe(0)
    }
    expect(statSync(join(folder, 'made')).mode & 0o777).toBe(0o700)
  })

  it('takes a file that others could read for itself alone', () => {
    const path = freshFile()
    writeFileSync(path, '')
    chmodSync(path, 0o644)
    closers.push(openSqlite(path).close)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('forgets what has expired, but not at once: clocks differ', async () => {
    const database = openSqlite(freshFile())
    closers.push(database.close)
    const guard = await createSqliteReplayGuard(database, digest)
    for (let id = 0; id < 2_500; id++) await guard.once('a', String(id), 110, 100)
    const count = () => database.run('UPDATE replay SET until = until')
    await guard.once('a', 'x', 1_000, 400)
    expect(count()).toBe(2_501)
    for (const id of ['y', 'z', 'w', 'v']) await guard.once('a', id, 1_000, 411)
    expect(count()).toBe(5)
  })

  it('throws when the database is gone', async () => {
    const database = openSqlite(freshFile())
    const guard = await createSqliteReplayGuard(database, digest)
    database.close()
    await expect(guard.once('a', 'id', 200, 100)).rejects.toThrow()
    await expect(guard.check()).rejects.toThrow()
  })

  it('throws while another process holds the database, and recovers', async () => {
    const path = freshFile()
    const guard = await openGuard(path)
    const other = openSqlite(path)
    closers.push(other.close)
    other.run('BEGIN IMMEDIATE')
    await expect(guard.once('a', 'id', 200, 100)).rejects.toThrow('locked')
    await expect(guard.check()).rejects.toThrow('locked')
    other.run('ROLLBACK')
    expect(await guard.once('a', 'id', 200, 100)).toBe(true)
  })

  it('refuses a file that is no database', async () => {
    const path = freshFile()
    writeFileSync(path, 'this is not a database, however long it may be'.repeat(100))
    await expect(openGuard(path)).rejects.toThrow('not a database')
  })
})
