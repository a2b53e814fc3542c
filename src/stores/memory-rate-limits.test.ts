import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RateLimit } from '../domain/rate-limit.ts'
import { createMemoryRateLimits } from './memory-rate-limits.ts'

const limit = { requests: 5, per: 10 }

const asking = (capacity?: number) => {
  const limits = createMemoryRateLimits(capacity)
  return {
    passes: async (key: string, now: number, wanted: RateLimit = limit) => (await limits.take(key, wanted, now)).passes,
    roomIn: async (key: string, now: number, wanted: RateLimit = limit) => {
      const verdict = await limits.take(key, wanted, now)
      return verdict.passes ? undefined : verdict.roomIn
    },
  }
}

describe('rate limits in memory', () => {
  it('lets exactly as many pass as the limit says, however many ask at once', async () => {
    const { passes } = asking()
    const verdicts = await Promise.all(Array.from({ length: 64 }, () => passes('ada', 1_000)))
    expect(verdicts.filter(Boolean)).toHaveLength(5)
  })

  it('counts each key by itself', async () => {
    const { passes } = asking()
    for (let n = 0; n < 5; n++) await passes('ada', 1_000)
    expect(await passes('ada', 1_000)).toBe(false)
    expect(await passes('bob', 1_000)).toBe(true)
  })

  it('does not begin anew where a stretch of time ends', async () => {
    const { passes } = asking()
    for (let n = 0; n < 5; n++) expect(await passes('ada', 1_009)).toBe(true)
    expect(await passes('ada', 1_010)).toBe(false)
    const later = await Promise.all(Array.from({ length: 5 }, () => passes('ada', 1_015)))
    expect(later.filter(Boolean)).toHaveLength(3)
    expect(await passes('ada', 1_030)).toBe(true)
  })

  it('lets a steady caller pass who keeps to the limit', async () => {
    const { passes } = asking()
    for (let n = 0; n < 100; n++) expect(await passes('ada', 1_000.3 + n * 2)).toBe(true)
    for (let n = 0; n < 20; n++) expect(await passes('bob', 1_000.3 + n * 10, { requests: 1, per: 10 })).toBe(true)
  })

  it('does not count what it refuses', async () => {
    const { passes } = asking()
    for (let n = 0; n < 500; n++) await passes('ada', 1_000)
    expect(await passes('ada', 1_011)).toBe(true)
  })

  it('does not let a clock that is put back open the window again', async () => {
    const { passes } = asking()
    for (let n = 0; n < 5; n++) await passes('ada', 1_000)
    expect(await passes('ada', 900)).toBe(false)
  })

  it('says when there is room again', async () => {
    const instant = fc.double({ min: 0, max: 40, noNaN: true })
    await fc.assert(
      fc.asyncProperty(
        fc.array(instant, { maxLength: 40 }),
        fc.integer({ min: 1, max: 6 }),
        async (times, requests) => {
          const { passes, roomIn } = asking()
          const wanted = { requests, per: 10 }
          const from = 1_000
          for (const time of times.toSorted((a, b) => a - b)) await passes('ada', from + time, wanted)
          const wait = await roomIn('ada', from + 40, wanted)
          if (wait === undefined) return
          if (wait > 0.01) expect(await passes('ada', from + 40 + wait - 0.01, wanted)).toBe(false)
          expect(await passes('ada', from + 40 + wait + 0.001, wanted)).toBe(true)
        },
      ),
    )
  })

  it('never lets more pass than the limit in one stretch, nor twice that in any time as long', async () => {
    const gap = fc.double({ min: 0, max: 3, noNaN: true })
    await fc.assert(
      fc.asyncProperty(fc.array(gap, { minLength: 1, maxLength: 200 }), async (gaps) => {
        const { passes } = asking()
        const passed: number[] = []
        let now = 1_000
        for (const step of gaps) {
          now += step
          if (await passes('ada', now)) passed.push(now)
        }
        for (const end of passed) {
          const inStretch = passed.filter((time) => Math.floor(time / 10) === Math.floor(end / 10))
          expect(inStretch.length).toBeLessThanOrEqual(5)
          expect(passed.filter((time) => time > end - 10 && time <= end).length).toBeLessThanOrEqual(10)
        }
      }),
    )
  })

  it('keeps whoever asks most when there is no room for all', async () => {
    const { passes } = asking(100)
    for (let n = 0; n < 5; n++) await passes('ada', 1_000)
    for (let n = 0; n < 10_000; n++) {
      await passes(`other ${n}`, 1_000)
      if (n % 50 === 0) expect(await passes('ada', 1_000)).toBe(false)
    }
  })
})
