import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { CredentialStore } from '../../src/ports/credential-store.ts'
import type { Two } from './replay-guard-cases.ts'

/** What a store of sealed credentials must be, whatever keeps them. */
export const credentialStoreCases = (name: string, open: () => Two<CredentialStore> | Promise<Two<CredentialStore>>) =>
  describe(`credentials in ${name}`, () => {
    let one: CredentialStore
    let another: CredentialStore
    beforeAll(async () => {
      ;[one, another] = await open()
    })

    it('finds what any instance has put there, until its time is over', async () => {
      const key = randomUUID()
      expect(await one.get(key, 100)).toBeUndefined()
      await one.put(key, 'sealed', 200, 100)
      expect([await one.get(key, 199.999), await another.get(key, 199.999)]).toEqual(['sealed', 'sealed'])
      expect([await one.get(key, 200), await another.get(key, 200.001)]).toEqual([undefined, undefined])
    })

    it('holds the newest, whoever put it there', async () => {
      const key = randomUUID()
      await one.put(key, 'first', 300, 100)
      await another.put(key, 'second', 200, 100)
      expect(await one.get(key, 150)).toBe('second')
      expect(await one.get(key, 250)).toBeUndefined()
      await another.put(key, 'third', 400, 100)
      expect(await one.get(key, 250)).toBe('third')
    })

    it('holds what has no end until it is deleted', async () => {
      const key = randomUUID()
      await one.put(key, 'for good', Number.POSITIVE_INFINITY, 100)
      expect(await another.get(key, 4_000_000_000)).toBe('for good')
      await another.delete(key)
      expect(await one.get(key, 100)).toBeUndefined()
      await one.delete(key)
    })

    it('gives texts back to the letter', async () => {
      const key = randomUUID()
      for (const text of [
        '',
        ' ',
        'a b',
        "'; DROP TABLE credential; --",
        'é\u{1f600}',
        'x'.repeat(200_000),
        'a\r\nb',
      ]) {
        await one.put(key, text, 200, 100)
        expect(await another.get(key, 100)).toBe(text)
      }
    })

    it('takes no key for another', async () => {
      const own = randomUUID()
      const keys = [own, own.toUpperCase(), `${own} `, `${own}:`, `${own}*`]
      for (const key of keys) await one.put(key, `of ${key}`, 200, 100)
      for (const key of keys) expect(await another.get(key, 100)).toBe(`of ${key}`)
    })
  })
