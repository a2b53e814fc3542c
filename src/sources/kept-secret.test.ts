import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { secret } from '../domain/secret.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { createNodeSecrets } from '../runtimes/node/files.ts'
import { type KeptSecret, openKeptSecret } from './kept-secret.ts'

const quiet = { info: () => undefined, warn: () => undefined }

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'dragoman-secret-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const toolsIn = (path: string, environment: Record<string, string> = {}, now = () => 0) => ({
  ports: {
    secrets: createNodeSecrets(path, environment),
    digest: createNodeDigest(),
    clock: { now },
    log: quiet,
  },
})

const valueAt = async (kept: KeptSecret, now: number) => (await kept.read(now)).value.reveal()

describe('a secret in a file', () => {
  it('is read again when it changes, without its line break', async () => {
    const path = folder()
    writeFileSync(join(path, 'key'), 'first\n')
    const kept = await openKeptSecret([{ file: 'key' }], toolsIn(path), 'value')
    const first = await kept.read(0)
    expect(first).toMatchObject({ slot: 'first', version: expect.stringMatching(/^[A-Za-z0-9_-]{16}$/) })
    expect(first.value.reveal()).toBe('first')
    writeFileSync(join(path, 'new'), 'second\r\n')
    renameSync(join(path, 'new'), join(path, 'key'))
    expect(await valueAt(kept, 7)).toBe('first')
    expect(await valueAt(kept, 11)).toBe('second')
    expect((await kept.read(11)).version).not.toBe(first.version)
  })

  it('that is gone is known for an hour, and then nothing is; the refusal does not tell it', async () => {
    const path = folder()
    writeFileSync(join(path, 'key'), 'the-secret-itself')
    const kept = await openKeptSecret([{ file: 'key' }], toolsIn(path), 'value')
    rmSync(join(path, 'key'))
    expect(await valueAt(kept, 3_599)).toBe('the-secret-itself')
    const refusal = await kept.read(3_601).catch((thrown: unknown) => thrown)
    expect(refusal).toMatchObject({ reason: 'secret.unavailable', detail: 'value: the file key cannot be read' })
    expect(String(refusal)).not.toContain('the-secret-itself')
  })

  it.each([
    [[{ file: 'nothing' }] as const, /nothing/],
    [[{ env: 'NOT_THERE' }] as const, /the environment variable NOT_THERE is not there/],
    [[{ keyRef: { mount: 'secret', path: 'a', field: 'b' } }] as const, /vault:\/\/secret\/a#b: no Vault is known/],
  ])('that is missing when documents are loaded is a fault: %j', async (places, message) => {
    await expect(openKeptSecret(places, toolsIn(folder()), 'value')).rejects.toThrow(message)
  })
})

describe('two slots', () => {
  const open = async (environment: Record<string, string>) =>
    openKeptSecret([{ env: 'A' }, { env: 'B' }], toolsIn(folder(), environment), 'value')

  it('move to the second when the first is refused, and back to the first when both were', async () => {
    const kept = await open({ A: 'a', B: 'b' })
    const first = await kept.read(0)
    expect(kept.refuse(first.version, 0)).toBe(true)
    const second = await kept.read(1)
    expect([second.slot, second.value.reveal()]).toEqual(['second', 'b'])
    expect(kept.refuse(second.version, 1)).toBe(false)
    expect((await kept.read(2)).slot).toBe('first')
    await kept.read(61)
    expect((await kept.read(61)).slot).toBe('first')
    expect(kept.refuse(first.version, 62)).toBe(true)
  })

  it('with the same value in both have no other to give', async () => {
    const kept = await open({ A: 'a', B: 'a' })
    expect(kept.refuse((await kept.read(0)).version, 0)).toBe(false)
  })

  it('never give what was refused while there is another', async () => {
    const value = fc.constantFrom('x', 'y', 'z')
    const step = fc.oneof(fc.record({ put: fc.constantFrom('A', 'B'), value }), fc.constant('refuse' as const))
    await fc.assert(
      fc.asyncProperty(value, value, fc.array(step, { maxLength: 30 }), async (a, b, steps) => {
        const texts: Record<string, string> = { A: a, B: b }
        const ports = {
          ...toolsIn('/').ports,
          secrets: { read: async (place: object) => secret(texts[Object.values(place).join()] ?? '') },
        }
        const kept = await openKeptSecret([{ file: 'A' }, { file: 'B' }], { ports }, 'value')
        const refused = new Set<string>()
        let now = 0
        for (const one of steps) {
          if (one === 'refuse') {
            const inUse = await kept.read(now)
            const other = kept.refuse(inUse.version, now)
            refused.add(inUse.value.reveal())
            expect(other).toBe(Object.values(texts).some((text) => !refused.has(text)))
          } else {
            texts[one.put] = one.value
            now += 11
            await kept.read(now)
            for (const text of refused) if (!Object.values(texts).includes(text)) refused.delete(text)
          }
          if (now >= 50) return
          const { value: given } = await kept.read(now)
          if (Object.values(texts).some((text) => !refused.has(text))) expect(refused.has(given.reveal())).toBe(false)
        }
      }),
      { numRuns: 200 },
    )
  })
})
