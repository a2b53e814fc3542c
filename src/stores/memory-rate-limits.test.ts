import { describe, expect, it } from 'vitest'
import { createMemoryRateLimits } from './memory-rate-limits.ts'

const limit = { requests: 5, per: 10 }

/** What all kinds of them have in common is in test/stores/. */
describe('rate limits in memory', () => {
  it('keeps whoever asks most when there is no room for all', async () => {
    const limits = createMemoryRateLimits(100)
    const passes = async (key: string) => (await limits.take(key, limit, 1_000)).passes
    for (let n = 0; n < 5; n++) await passes('ada')
    for (let n = 0; n < 10_000; n++) {
      await passes(`other ${n}`)
      if (n % 50 === 0) expect(await passes('ada')).toBe(false)
    }
  })
})
