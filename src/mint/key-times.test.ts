import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type KeyTimes, standings } from './key-times.ts'

const overlap = { maxTtl: 1_000, skew: 10 }
const states = (keys: readonly KeyTimes[], now: number) =>
  Object.fromEntries(standings(keys, now, overlap).map(({ key, state }) => [key.kid, state]))

const old: KeyTimes = { kid: 'old', createdAt: 0, activeFrom: 100 }
const young: KeyTimes = { kid: 'young', createdAt: 50, activeFrom: 200 }
const waiting: KeyTimes = { kid: 'waiting', createdAt: 60 }

describe('what a key may do', () => {
  it.each([
    [99, { old: 'next', young: 'next', waiting: 'next' }],
    [100, { old: 'active', young: 'next', waiting: 'next' }],
    [199.999, { old: 'active', young: 'next', waiting: 'next' }],
    [200, { old: 'retiring', young: 'active', waiting: 'next' }],
    [1_209.999, { old: 'retiring', young: 'active', waiting: 'next' }],
    [1_210, { old: 'retired', young: 'active', waiting: 'next' }],
  ])('follows from the time alone: at %d', (now, expected) => {
    expect(states([young, waiting, old], now)).toEqual(expected)
  })

  it('ends at once when a key is retired by hand, whatever was due', () => {
    expect(states([{ ...old, retireAt: 300 }, young], 299)['old']).toBe('retiring')
    expect(states([{ ...old, retireAt: 300 }, young], 300)['old']).toBe('retired')
    expect(states([{ ...waiting, retireAt: 300 }], 300)).toEqual({ waiting: 'retired' })
  })

  it('does not call an older key back when the active one is retired', () => {
    expect(states([old, { ...young, retireAt: 250 }], 250)).toEqual({ old: 'retiring', young: 'retired' })
  })

  it('is not changed by a key that was retired before its turn', () => {
    expect(states([old, { ...young, retireAt: 150 }], 5_000)).toEqual({ old: 'active', young: 'retired' })
  })

  it('prefers the later made key where two begin together', () => {
    const twin: KeyTimes = { kid: 'twin', createdAt: 10, activeFrom: 100 }
    expect(states([twin, old], 100)).toEqual({ old: 'retiring', twin: 'active' })
  })

  const time = fc.integer({ min: 0, max: 3_000 })
  const anyKeys = fc
    .array(fc.record({ createdAt: time, activeFrom: fc.option(time), retireAt: fc.option(time) }), { maxLength: 6 })
    .map((list) =>
      list.map(
        ({ createdAt, activeFrom, retireAt }, index): KeyTimes => ({
          kid: `key-${index}`,
          createdAt,
          ...(activeFrom === null ? {} : { activeFrom }),
          ...(retireAt === null ? {} : { retireAt }),
        }),
      ),
    )

  it('never lets two keys sign, nor one before its time or after its retirement', () => {
    fc.assert(
      fc.property(anyKeys, time, (keys, now) => {
        const active = standings(keys, now, overlap).filter(({ state }) => state === 'active')
        expect(active.length).toBeLessThanOrEqual(1)
        for (const { key } of active) {
          expect(key.activeFrom).toBeLessThanOrEqual(now)
          expect(key.retireAt ?? Number.POSITIVE_INFINITY).toBeGreaterThan(now)
        }
      }),
    )
  })

  it('publishes a key from the moment it signs until its last token has expired, unless it is retired by hand', () => {
    fc.assert(
      fc.property(anyKeys, time, fc.integer({ min: 0, max: overlap.maxTtl }), (keys, now, age) => {
        const signedBy = standings(keys, now, overlap).find(({ state }) => state === 'active')?.key
        fc.pre(signedBy !== undefined && (signedBy.retireAt === undefined || signedBy.retireAt > now + age))
        expect(states(keys, now + age)[signedBy?.kid ?? '']).not.toBe('retired')
      }),
    )
  })

  it('only ever moves forward', () => {
    const rank = { next: 0, active: 1, retiring: 2, retired: 3 }
    fc.assert(
      fc.property(anyKeys, time, time, (keys, a, b) => {
        const [before, after] = [states(keys, Math.min(a, b)), states(keys, Math.max(a, b))]
        for (const { kid } of keys)
          expect(rank[after[kid] ?? 'next']).toBeGreaterThanOrEqual(rank[before[kid] ?? 'retired'])
      }),
    )
  })
})
