import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { RateLimit } from '../../src/domain/rate-limit.ts'
import type { RateLimits } from '../../src/ports/rate-limits.ts'
import type { Two } from './replay-guard-cases.ts'

const limit = { requests: 5, per: 10 }

/** What a sliding window must be, whatever counts it, and whichever instance asks. */
export const rateLimitsCases = (name: string, open: () => Two<RateLimits> | Promise<Two<RateLimits>>, runs: number) =>
  describe(`rate limits in ${name}`, () => {
    let instances: Two<RateLimits>
    let turn = 0
    beforeAll(async () => {
      instances = await open()
    })
    const take = (key: string, now: number, wanted: RateLimit) => {
      turn += 1
      return instances[turn % 2 === 0 ? 0 : 1].take(key, wanted, now)
    }
    const passes = async (key: string, now: number, wanted: RateLimit = limit) => (await take(key, now, wanted)).passes
    const roomIn = async (key: string, now: number, wanted: RateLimit) => {
      const verdict = await take(key, now, wanted)
      return verdict.passes ? undefined : verdict.roomIn
    }

    it('lets exactly as many pass as the limit says, however many ask at once', async () => {
      const key = randomUUID()
      const verdicts = await Promise.all(Array.from({ length: 64 }, () => passes(key, 1_000)))
      expect(verdicts.filter(Boolean)).toHaveLength(5)
    })

    it('counts each key by itself, and each time', async () => {
      const key = randomUUID()
      for (let n = 0; n < 5; n++) await passes(key, 1_000)
      expect(await passes(key, 1_000)).toBe(false)
      expect(await passes(`${key}b`, 1_000)).toBe(true)
      expect(await passes(key, 1_000, { requests: 5, per: 60 })).toBe(true)
    })

    it('does not begin anew where a stretch of time ends', async () => {
      const key = randomUUID()
      for (let n = 0; n < 5; n++) expect(await passes(key, 1_009)).toBe(true)
      expect(await passes(key, 1_010)).toBe(false)
      const later = await Promise.all(Array.from({ length: 5 }, () => passes(key, 1_015)))
      expect(later.filter(Boolean)).toHaveLength(3)
      expect(await passes(key, 1_030)).toBe(true)
    })

    it('lets a steady caller pass who keeps to the limit', async () => {
      const [ada, bob] = [randomUUID(), randomUUID()]
      for (let n = 0; n < 100; n++) expect(await passes(ada, 1_000.3 + n * 2)).toBe(true)
      for (let n = 0; n < 20; n++) expect(await passes(bob, 1_000.3 + n * 10, { requests: 1, per: 10 })).toBe(true)
    })

    it('does not count what it refuses', async () => {
      const key = randomUUID()
      for (let n = 0; n < 500; n++) await passes(key, 1_000)
      expect(await passes(key, 1_011)).toBe(true)
    })

    it('does not let a clock that is put back open the window again', async () => {
      const key = randomUUID()
      for (let n = 0; n < 5; n++) await passes(key, 1_000)
      expect(await passes(key, 900)).toBe(false)
    })

    it('says when there is room again', async () => {
      const instant = fc.double({ min: 0, max: 40, noNaN: true })
      await fc.assert(
        fc.asyncProperty(
          fc.array(instant, { maxLength: 40 }),
          fc.integer({ min: 1, max: 6 }),
          async (times, requests) => {
            const key = randomUUID()
            const wanted = { requests, per: 10 }
            const from = 1_000
            for (const time of times.toSorted((a, b) => a - b)) await passes(key, from + time, wanted)
            const wait = await roomIn(key, from + 40, wanted)
            if (wait === undefined) return
            if (wait > 0.01) expect(await passes(key, from + 40 + wait - 0.01, wanted)).toBe(false)
            expect(await passes(key, from + 40 + wait + 0.001, wanted)).toBe(true)
          },
        ),
        { numRuns: runs },
      )
    })

    it('never lets more pass than the limit in one stretch, nor twice that in any time as long', async () => {
      const gap = fc.double({ min: 0, max: 3, noNaN: true })
      await fc.assert(
        fc.asyncProperty(fc.array(gap, { minLength: 1, maxLength: 200 }), async (gaps) => {
          const key = randomUUID()
          const passed: number[] = []
          let now = 1_000
          for (const step of gaps) {
            now += step
            if (await passes(key, now)) passed.push(now)
          }
          for (const end of passed) {
            const inStretch = passed.filter((time) => Math.floor(time / 10) === Math.floor(end / 10))
            expect(inStretch.length).toBeLessThanOrEqual(5)
            expect(passed.filter((time) => time > end - 10 && time <= end).length).toBeLessThanOrEqual(10)
          }
        }),
        { numRuns: runs },
      )
    })
  })
