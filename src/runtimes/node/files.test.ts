import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNodeFiles, createNodeSecrets } from './files.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dragoman-files-'))
  writeFileSync(join(folder, 'keys.json'), '{"keys":[]}')
  writeFileSync(join(folder, 'secret'), 'geheim\n')
  writeFileSync(join(folder, 'windows'), ' geheim \r\n')
  writeFileSync(join(folder, 'lines'), 'a\n\n')
  writeFileSync(join(folder, 'empty'), '\n')
  writeFileSync(join(folder, 'latin1'), Buffer.of(0x67, 0xe9))
  writeFileSync(join(folder, 'large'), 'x'.repeat(4 * 1_048_576 + 1))
})
afterAll(() => rmSync(folder, { recursive: true }))

const secrets = () => createNodeSecrets(folder, { TOKEN: 'geheim', EMPTY: '' })

describe('files that documents name', () => {
  it('are found from the folder of the documents, or anywhere by their full path', async () => {
    const files = createNodeFiles(folder)
    expect(await files.read('keys.json')).toBe('{"keys":[]}')
    expect(await files.read(join(folder, 'keys.json'))).toBe('{"keys":[]}')
  })

  it.each([
    ['none', 'ENOENT'],
    ['.', 'is not a file'],
    ['/dev/zero', 'is not a file'],
    ['large', 'larger than'],
    ['latin1', 'not UTF-8'],
  ])('%s is refused', async (path, message) => {
    await expect(createNodeFiles(folder).read(path)).rejects.toThrow(message)
  })

  it('a pipe is refused without waiting for a writer', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await expect(createNodeFiles(folder).read('pipe')).rejects.toThrow('is not a file')
  })
})

describe('secrets', () => {
  it('come from the environment or a file, less one line break at its end', async () => {
    expect((await secrets().read({ env: 'TOKEN' })).reveal()).toBe('geheim')
    expect((await secrets().read({ file: 'secret' })).reveal()).toBe('geheim')
    expect((await secrets().read({ file: 'windows' })).reveal()).toBe(' geheim ')
    expect((await secrets().read({ file: 'lines' })).reveal()).toBe('a\n')
    expect(JSON.stringify(await secrets().read({ env: 'TOKEN' }))).not.toContain('geheim')
  })

  it.each([
    [{ env: 'MISSING' }, 'of the environment variable MISSING is not there'],
    [{ env: 'toString' }, 'is not there'],
    [{ env: 'EMPTY' }, 'is empty'],
    [{ file: 'empty' }, 'is empty'],
    [{ file: 'none' }, 'ENOENT'],
    [{ binding: 'KV' }, 'on Workers only'],
  ])('%j is refused', async (reference, message) => {
    await expect(secrets().read(reference)).rejects.toThrow(message)
  })
})
