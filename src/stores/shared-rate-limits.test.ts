import { describe, expect, it } from 'vitest'
import type { RateLimits } from '../ports/rate-limits.ts'
import { createMemoryRateLimits } from './memory-rate-limits.ts'
import { sharedRateLimits } from './shared-rate-limits.ts'

const limit = { requests: 2, per: 10 }

/** Limits in a store that can be away, and what was said of that. */
const open = () => {
  const said: string[] = []
  const store = createMemoryRateLimits()
  const away = { isAway: false }
  const shared: RateLimits = {
    take: (...asked) => (away.isAway ? Promise.reject(new Error('down')) : store.take(...asked)),
  }
  const log = { info: () => undefined, warn: (message: string) => void said.push(message) }
  const limits = [0, 1].map(() => sharedRateLimits(shared, createMemoryRateLimits(), log))
  const passes = async (instance: number, now: number) => (await limits[instance]?.take('ada', limit, now))?.passes
  return { away, said, passes }
}

describe('limits that instances share', () => {
  it('count the requests of all of them together', async () => {
    const { passes, said } = open()
    expect([await passes(0, 100), await passes(1, 100), await passes(0, 100), await passes(1, 100)]).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect(said).toEqual([])
  })

  it('still limit while the store is away, each instance for itself, and say so once a minute', async () => {
    const { away, passes, said } = open()
    away.isAway = true
    for (const instance of [0, 1]) {
      const verdicts = [await passes(instance, 100), await passes(instance, 100), await passes(instance, 100)]
      expect(verdicts).toEqual([true, true, false])
    }
    expect(said).toHaveLength(2)
    await passes(0, 159)
    expect(said).toHaveLength(2)
    await passes(0, 160)
    expect(said).toHaveLength(3)
  })

  it('are counted together again once the store is back', async () => {
    const { away, passes } = open()
    away.isAway = true
    await passes(0, 100)
    away.isAway = false
    expect([await passes(1, 100), await passes(0, 100), await passes(1, 100)]).toEqual([true, true, false])
  })
})
