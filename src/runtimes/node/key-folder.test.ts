import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { formatStoredKey, newStoredKey, type StoredKey } from '../../mint/stored-key.ts'
import { createNodeDigest } from './digest.ts'
import { readKeys, writeKey } from './key-folder.ts'
import { watchKeys } from './key-watch.ts'
import { createNodeSignatures } from './signatures.ts'

const ports = { signatures: createNodeSignatures(), digest: createNodeDigest() }
const newKey = (createdAt = 1): Promise<StoredKey> => newStoredKey('ES256', createdAt, ports)

let root: string
let folder: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dragoman-keys-'))
  folder = join(root, 'keys')
})
afterEach(() => rm(root, { recursive: true }))

const fileOf = (key: StoredKey) => join(folder, `${key.kid}.json`)
const modeOf = async (path: string) => (await stat(path)).mode & 0o777

describe('the key folder', () => {
  it('gives back what was put into it, oldest first', async () => {
    const [young, old] = [await newKey(20), await newKey(10)]
    await writeKey(folder, young)
    await writeKey(folder, { ...old, activeFrom: 11 })
    expect(await readKeys(folder)).toEqual([{ ...old, activeFrom: 11 }, young])
  })

  it('is empty when it does not exist', async () => {
    expect(await readKeys(folder)).toEqual([])
  })

  it('and its files are for their owner only, whatever the umask', async () => {
    const key = await newKey()
    await writeKey(folder, key)
    await writeKey(folder, { ...key, activeFrom: 3 }, { replace: true })
    expect(await modeOf(folder)).toBe(0o700)
    expect(await modeOf(fileOf(key))).toBe(0o600)
    expect(await readdir(folder)).toEqual([`${key.kid}.json`])
  })

  it('does not overwrite a key unless told to', async () => {
    const key = await newKey()
    await writeKey(folder, key)
    await expect(writeKey(folder, { ...key, activeFrom: 3 })).rejects.toThrow('EEXIST')
    expect(await readKeys(folder)).toEqual([key])
    expect(await readdir(folder)).toEqual([`${key.kid}.json`])
  })

  it('may hold other files', async () => {
    const key = await newKey()
    await writeKey(folder, key)
    for (const name of ['.gitkeep', 'README.md', 'notes.json', `.${key.kid}.1.tmp`, `${key.kid}.json.bak`])
      await writeFile(join(folder, name), 'not a key')
    await mkdir(join(folder, 'old'))
    expect(await readKeys(folder)).toEqual([key])
  })

  it('is never seen half written', async () => {
    const key = await newKey()
    await writeKey(folder, key)
    const write = async () => {
      for (let time = 1; time <= 60; time++) await writeKey(folder, { ...key, activeFrom: time }, { replace: true })
    }
    const read = async () => {
      for (let round = 0; round < 200; round++) expect(await readKeys(folder)).toHaveLength(1)
    }
    await Promise.all([write(), read(), read()])
  })
})

describe('a key file that cannot be trusted', () => {
  it.each([0o640, 0o604, 0o620, 0o602, 0o610, 0o777])('has the mode %o', async (mode) => {
    const key = await newKey()
    await writeKey(folder, key)
    await chmod(fileOf(key), mode)
    await expect(readKeys(folder)).rejects.toThrow(`(mode ${mode.toString(8)}); run: chmod 600 '${fileOf(key)}'`)
    await chmod(fileOf(key), 0o400)
    expect(await readKeys(folder)).toEqual([key])
  })

  it('is a symbolic link', async () => {
    const key = await newKey()
    await writeKey(join(root, 'elsewhere'), key)
    await mkdir(folder)
    await symlink(join(root, 'elsewhere', `${key.kid}.json`), fileOf(key))
    await expect(readKeys(folder)).rejects.toThrow('is a symbolic link')
  })

  it('is a folder', async () => {
    const key = await newKey()
    await mkdir(fileOf(key), { recursive: true, mode: 0o700 })
    await expect(readKeys(folder)).rejects.toThrow('is not a file')
  })

  it('is named after another key', async () => {
    const [key, other] = [await newKey(), await newKey()]
    await mkdir(folder)
    await writeFile(fileOf(other), formatStoredKey(key), { mode: 0o600 })
    await expect(readKeys(folder)).rejects.toThrow('named after another key')
  })

  it.each([
    ['cut off', (text: string) => text.slice(0, -20)],
    ['empty', () => ''],
    ['much too large', (text: string) => text + ' '.repeat(40_000)],
    ['not JSON', (text: string) => text.replace('"d"', 'd')],
  ])('is %s', async (_, damage) => {
    const key = await newKey()
    await writeKey(folder, key)
    await writeFile(fileOf(key), damage(await readFile(fileOf(key), 'utf8')))
    const refusal = await readKeys(folder).catch((error: unknown) => error)
    expect(String(refusal)).toContain(fileOf(key))
    expect(inspect(refusal)).not.toContain(key.privateKey['d'])
  })

  it('lies in a folder that everybody can write to', async () => {
    await writeKey(folder, await newKey())
    await chmod(folder, 0o777)
    await expect(readKeys(folder)).rejects.toThrow(`run: chmod o-w '${folder}'`)
  })
})

const watching = async (known: readonly StoredKey[]) => {
  const changed = vi.fn<(keys: readonly StoredKey[]) => Promise<void>>(async () => undefined)
  const failed = vi.fn<(message: string) => void>()
  const watch = watchKeys(folder, known, { changed, failed }, 0.02)
  return { changed, failed, close: () => watch.close() }
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 150))

describe('a watch over the key folder', () => {
  it('tells of a rotation, once', async () => {
    const [first, second] = [await newKey(1), await newKey(2)]
    await writeKey(folder, first)
    const watch = await watching([first])
    await writeKey(folder, second)
    await vi.waitFor(() => expect(watch.changed).toHaveBeenCalledWith([first, second]))
    await settled()
    watch.close()
    expect(watch.changed).toHaveBeenCalledTimes(1)
    expect(watch.failed).not.toHaveBeenCalled()
  })

  it('tells of a fault once, keeps quiet about the keys, and goes on', async () => {
    const [first, second] = [await newKey(1), await newKey(2)]
    await writeKey(folder, first)
    const watch = await watching([first])
    await writeKey(folder, second)
    await writeFile(fileOf(first), 'damaged')
    await vi.waitFor(() => expect(watch.failed).toHaveBeenCalled())
    await settled()
    expect(watch.failed).toHaveBeenCalledTimes(1)
    const callsBefore = watch.changed.mock.calls.filter(([keys]) => !keys.some(({ kid }) => kid === first.kid))
    expect(callsBefore).toEqual([])
    await writeKey(folder, first, { replace: true })
    await vi.waitFor(() => expect(watch.changed).toHaveBeenCalledWith([first, second]))
    watch.close()
  })

  it('takes an empty folder for a fault', async () => {
    const key = await newKey()
    await writeKey(folder, key)
    const watch = await watching([key])
    await rm(fileOf(key))
    await vi.waitFor(() => expect(watch.failed).toHaveBeenCalledWith(expect.stringContaining('no key')))
    watch.close()
    expect(watch.changed).not.toHaveBeenCalled()
  })

  it('offers keys again that could not be taken over', async () => {
    await writeKey(folder, await newKey())
    const watch = await watching([])
    watch.changed.mockRejectedValueOnce(new Error('not now'))
    await vi.waitFor(() => expect(watch.changed).toHaveBeenCalledTimes(2))
    watch.close()
    expect(watch.failed).toHaveBeenCalledWith('not now')
  })

  it('is silent after it was closed', async () => {
    const watch = await watching([])
    watch.close()
    await writeKey(folder, await newKey())
    await settled()
    expect(watch.changed).not.toHaveBeenCalled()
  })
})
