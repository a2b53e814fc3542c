import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ReplayGuard } from '../../src/ports/replay.ts'

/** Two instances over one store; for a store of one process, the same twice. */
export type Two<Kind> = readonly [Kind, Kind]

/** What single use must be, whatever keeps it. Times are those of whoever asks, and far from the store's own. */
export const replayGuardCases = (name: string, open: () => Two<ReplayGuard> | Promise<Two<ReplayGuard>>) =>
  describe(`single use by ${name}`, () => {
    let one: ReplayGuard
    let another: ReplayGuard
    beforeAll(async () => {
      ;[one, another] = await open()
    })

    it('says yes once, to whichever instance asks, and no until the instant has passed', async () => {
      const id = randomUUID()
      expect(await one.once('a', id, 200, 100)).toBe(true)
      expect(await one.once('a', id, 200, 100)).toBe(false)
      expect(await another.once('a', id, 900, 199.999)).toBe(false)
      expect(await one.once('a', id, 900, 200)).toBe(false)
      expect(await another.once('a', id, 900, 200.001)).toBe(true)
      expect(await one.once('a', id, 950, 201)).toBe(false)
    })

    it('lets exactly one of 64 racers win, again and again', async () => {
      for (let round = 0; round < 20; round++) {
        const id = randomUUID()
        const racers = Array.from({ length: 64 }, (_, n) => (n % 2 === 0 ? one : another).once('race', id, 200, 100))
        expect((await Promise.all(racers)).filter(Boolean)).toHaveLength(1)
      }
    })

    it('lets exactly one of 64 racers win an id whose time is over', async () => {
      const id = randomUUID()
      await one.once('race', id, 200, 100)
      const racers = Array.from({ length: 64 }, (_, n) => (n % 2 === 0 ? one : another).once('race', id, 400, 300))
      expect((await Promise.all(racers)).filter(Boolean)).toHaveLength(1)
    })

    it('takes no two pairs of namespace and id for the same', async () => {
      const own = randomUUID()
      const pairs = [
        [`${own}a`, 'b:c'],
        [`${own}a:b`, 'c'],
        ['', `${own}a:b:c`],
        [`${own}a`, '1:b:c'],
        [`${own}a1:`, 'b'],
        [`${own}a`, '1:b'],
        [`${own}1:a`, 'b'],
        [`${own}A`, 'b:c'],
      ]
      for (const [namespace = '', id = ''] of pairs) expect(await one.once(namespace, id, 200, 100)).toBe(true)
      for (const [namespace = '', id = ''] of pairs) expect(await another.once(namespace, id, 200, 100)).toBe(false)
    })

    it('takes ids of any length and any characters', async () => {
      const namespace = randomUUID()
      for (const id of [
        '',
        'x'.repeat(100_000),
        "'; DROP TABLE replay; --",
        '\0',
        '\r\n',
        '%s*',
        'é',
        '\u{1f600}',
        '\ud800',
      ]) {
        expect(await one.once(namespace, id, 200, 100)).toBe(true)
        expect(await another.once(namespace, id, 200, 100)).toBe(false)
      }
    })

    it.each([
      [100, 100],
      [99, 100],
      [Number.NaN, 100],
      [Number.POSITIVE_INFINITY, 100],
      [200, Number.NaN],
    ])('throws for an id that it could not hold: until %d, now %d', async (until, now) => {
      await expect(one.once('a', randomUUID(), until, now)).rejects.toThrow('in the future')
    })

    it('is ready', async () => {
      await expect(one.check()).resolves.toBeUndefined()
      await expect(another.check()).resolves.toBeUndefined()
    })
  })
