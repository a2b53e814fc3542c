import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readKeys } from '../runtimes/node/key-folder.ts'
import { createKeysCommand } from './keys.ts'

let root: string
let folder: string
let now = 1_800_000_000
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dragoman-keys-cli-'))
  folder = join(root, 'keys')
  now = 1_800_000_000
})
afterEach(() => {
  delete process.env['DRAGOMAN_KEYS']
  rmSync(root, { recursive: true })
})

interface Row {
  readonly kid: string
  readonly alg: string
  readonly state: string
  readonly signsFrom: string | null
  readonly publishedUntil: string | null
}

const keys = async (...words: readonly string[]) => {
  const said = { out: '', err: '', failed: false }
  const terminal = {
    out: (text: string) => {
      said.out += text
    },
    err: (text: string) => {
      said.err += text
    },
    fail: () => {
      said.failed = true
    },
  }
  await createKeysCommand(terminal, { now: () => now }).parseAsync(words, { from: 'user' })
  return said
}

/** Runs a command that must succeed and yields its rows. */
const rows = async (...words: readonly string[]): Promise<readonly Row[]> => {
  const said = await keys(...words, '--keys', folder, '-o', 'json')
  if (said.failed) throw new Error(said.err)
  return JSON.parse(said.out)
}
const row = async (...words: readonly string[]): Promise<Row> => {
  const [only, ...others] = await rows(...words)
  if (only === undefined || others.length > 0) throw new Error('one row was expected')
  return only
}
const states = async () => Object.fromEntries((await rows('list')).map(({ kid, state }) => [kid, state]))

describe('dragoman keys', () => {
  it('generate makes a first key that signs at once, and then one that waits', async () => {
    const first = await row('generate')
    expect(first).toMatchObject({ alg: 'ES256', state: 'active' })
    now += 10
    const second = await row('generate', '--alg', 'EdDSA')
    expect(second).toMatchObject({ alg: 'EdDSA', state: 'next', signsFrom: null })
    expect(await states()).toEqual({ [first.kid]: 'active', [second.kid]: 'next' })
    expect(readdirSync(folder).toSorted()).toEqual([`${first.kid}.json`, `${second.kid}.json`].toSorted())
  })

  it('rotate hands over to the key that waits once it was published for an hour', async () => {
    const first = await row('generate')
    const second = await row('generate')
    const rotated = await row('rotate')
    expect(rotated).toMatchObject({ kid: second.kid, state: 'next', signsFrom: '2027-01-15T09:00:00.000Z' })
    now += 3_599
    expect(await states()).toEqual({ [first.kid]: 'active', [second.kid]: 'next' })
    now += 1
    expect(await states()).toEqual({ [first.kid]: 'retiring', [second.kid]: 'active' })
    now += 86_400 + 300
    expect(await states()).toEqual({ [first.kid]: 'retired', [second.kid]: 'active' })
  })

  it('rotate makes a key when none waits, and takes its time from --publish-for', async () => {
    await row('generate')
    expect(await row('rotate', '--publish-for', '5m', '--alg', 'RS256')).toMatchObject({
      alg: 'RS256',
      state: 'next',
      signsFrom: '2027-01-15T08:05:00.000Z',
    })
  })

  it('rotate --now hands over at once', async () => {
    const first = await row('generate')
    now += 1
    const second = await row('rotate', '--now')
    expect(second).toMatchObject({ alg: 'ES256', state: 'active' })
    expect(await states()).toEqual({ [first.kid]: 'retiring', [second.kid]: 'active' })
  })

  it('rotate makes the first key of an empty folder', async () => {
    expect(await row('rotate')).toMatchObject({ state: 'active' })
  })

  it('rotate does not pile up, but can be brought forward', async () => {
    await row('generate')
    const due = await row('rotate')
    const again = await keys('rotate', '--keys', folder)
    expect(again).toMatchObject({ failed: true, out: '' })
    expect(again.err).toMatch(/^dragoman: .* is due to take over at 2027-01-15T09:00:00.000Z; .*--now/)
    now += 1
    expect(await row('rotate', '--now')).toMatchObject({ kid: due.kid, state: 'active' })
  })

  it('retire takes a key out at once', async () => {
    const first = await row('generate')
    now += 1
    await row('rotate', '--now')
    now += 1
    expect(await row('retire', first.kid)).toMatchObject({
      state: 'retired',
      publishedUntil: '2027-01-15T08:00:02.000Z',
    })
  })

  it('retire does not take the last key that signs unless it is forced', async () => {
    const { kid } = await row('generate')
    const refused = await keys('retire', kid, '--keys', folder)
    expect(refused).toMatchObject({ failed: true, out: '' })
    expect(refused.err).toContain('rotate --now')
    expect(await row('retire', kid, '--force')).toMatchObject({ state: 'retired' })
    expect(await row('generate')).toMatchObject({ state: 'active' })
  })

  it('retire knows only keys that are there', async () => {
    const refused = await keys('retire', 'nobody', '--keys', folder)
    expect(refused).toMatchObject({ failed: true, err: expect.stringContaining('run: dragoman keys list') })
  })

  it('list says what to do when nothing signs', async () => {
    const empty = await keys('list', '--keys', folder)
    expect(empty).toMatchObject({
      failed: false,
      err: expect.stringContaining(`dragoman keys generate --keys ${folder}`),
    })
    expect(empty.out).toBe('KID  ALG  STATE  CREATED  SIGNS FROM  PUBLISHED UNTIL\n')
  })

  it('prints tables for people, and never a private key', async () => {
    const first = await keys('generate', '--keys', folder)
    const shown = await keys('list', '--keys', folder)
    const [stored] = await readKeys(folder)
    expect(shown.out.split('\n')[1]).toMatch(
      /^\S{43} {2}ES256 {2}active {2}2027-01-15T08:00:00Z {2}2027-01-15T08:00:00Z {2}-$/,
    )
    for (const { out, err } of [first, shown, await keys('list', '--keys', folder, '-o', 'json')])
      expect(out + err).not.toContain(stored?.privateKey['d'])
  })

  it('takes the folder from the environment, and the flag wins', async () => {
    process.env['DRAGOMAN_KEYS'] = folder
    await keys('generate')
    expect(await readKeys(folder)).toHaveLength(1)
    await keys('generate', '--keys', join(root, 'other'))
    expect(await readKeys(folder)).toHaveLength(1)
    expect(await readKeys(join(root, 'other'))).toHaveLength(1)
  })

  it('tells how to mend a file that others can read', async () => {
    const { kid } = await row('generate')
    chmodSync(join(folder, `${kid}.json`), 0o644)
    const refused = await keys('list', '--keys', folder)
    expect(refused).toMatchObject({ failed: true, out: '', err: expect.stringContaining('chmod 600') })
  })
})
