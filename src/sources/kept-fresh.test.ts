import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { type KeptFreshSettings, keptFresh } from './kept-fresh.ts'

/** A load that the test settles by hand. */
const pending: { resolve: (value: string) => void; reject: (error: Error) => void }[] = []
let loads = 0
let failures: string[] = []

beforeEach(() => {
  pending.length = 0
  loads = 0
  failures = []
})

const byHand = () => {
  loads++
  return new Promise<{ value: string; freshFor: number }>((resolve, reject) => {
    pending.push({ resolve: (value) => resolve({ value, freshFor: 100 }), reject })
  })
}

const kept = (settings: Partial<KeptFreshSettings<string>> = {}) =>
  keptFresh<string>({
    load: byHand,
    staleFor: 1_000,
    onFailure: (error, state) => failures.push(`${error instanceof Error ? error.message : 'odd'}: ${state}`),
    ...settings,
  })

/** A source that has loaded `first` at the instant 0; it is fresh until 100 and may be used until 1000. */
const loaded = async () => {
  const source = kept()
  const first = source.get(0)
  pending[0]?.resolve('first')
  expect(await first).toEqual({ value: 'first', stale: false, failing: false, justLoaded: true })
  return source
}

const down = new Error('down')

describe('keptFresh', () => {
  it('shares one load among all who wait', async () => {
    const source = kept()
    const asked = Array.from({ length: 1_000 }, () => source.get(0))
    pending[0]?.resolve('first')
    expect(new Set((await Promise.all(asked)).map(({ value }) => value))).toEqual(new Set(['first']))
    expect(loads).toBe(1)
  })

  it('gives a fresh value without a load', async () => {
    const source = await loaded()
    expect(await source.get(79)).toEqual({ value: 'first', stale: false, failing: false, justLoaded: false })
    expect(source.state(79)).toBe('fresh')
    expect(loads).toBe(1)
  })

  it('renews ahead of time in the background, once', async () => {
    const source = await loaded()
    expect((await source.get(80)).value).toBe('first')
    expect((await source.get(81)).value).toBe('first')
    expect(loads).toBe(2)
    pending[1]?.resolve('second')
    await Promise.resolve()
    await expect.poll(async () => (await source.get(82)).value).toBe('second')
    expect(source.state(179)).toBe('fresh')
    expect(loads).toBe(2)
  })

  it('lets callers wait for the renewal once the value is no longer fresh', async () => {
    const source = await loaded()
    const asked = [source.get(100), source.get(100), source.get(101)]
    expect(source.state(100)).toBe('stale')
    pending[1]?.resolve('second')
    expect((await Promise.all(asked)).map(({ value, stale }) => [value, stale])).toEqual(
      Array.from({ length: 3 }, () => ['second', false]),
    )
    expect(loads).toBe(2)
  })

  it('uses the last known value through an outage, and attempts once a cooldown', async () => {
    const source = await loaded()
    const asked = source.get(100)
    pending[1]?.reject(down)
    expect(await asked).toEqual({ value: 'first', stale: true, failing: true, justLoaded: true })
    expect(failures).toEqual(['down: stale'])
    expect(await source.get(129)).toEqual({ value: 'first', stale: true, failing: true, justLoaded: false })
    expect(loads).toBe(2)
    const later = source.get(130)
    expect(loads).toBe(3)
    pending[2]?.resolve('second')
    expect(await later).toEqual({ value: 'second', stale: false, failing: false, justLoaded: true })
  })

  it('uses nothing beyond the outage budget', async () => {
    const source = await loaded()
    const last = source.get(999)
    pending[1]?.reject(down)
    expect((await last).value).toBe('first')
    const asked = source.get(1_000)
    await expect(asked).rejects.toBe(down)
    expect(source.state(1_000)).toBe('missing')
    expect(failures).toEqual(['down: stale'])
  })

  it('is fresh even when the outage budget is shorter', async () => {
    const source = kept({ staleFor: 0 })
    const first = source.get(0)
    pending[0]?.resolve('first')
    await first
    expect(source.state(99)).toBe('fresh')
    expect(source.state(100)).toBe('missing')
  })

  it('rejects when nothing is known, and tries again after a short rest', async () => {
    const source = kept()
    const asked = Array.from({ length: 100 }, () => source.get(0))
    pending[0]?.reject(down)
    for (const one of asked) await expect(one).rejects.toBe(down)
    expect(failures).toEqual(['down: missing'])
    await expect(source.get(4)).rejects.toBe(down)
    expect(loads).toBe(1)
    const later = source.get(5)
    pending[1]?.resolve('first')
    expect((await later).value).toBe('first')
  })

  it('is forced at most once a cooldown, for all at once', async () => {
    const source = await loaded()
    const asked = Array.from({ length: 1_000 }, () => source.refresh(1))
    pending[1]?.resolve('second')
    expect((await Promise.all(asked)).every(({ value }) => value === 'second')).toBe(true)
    expect(loads).toBe(2)
    expect((await source.refresh(30)).value).toBe('second')
    expect(loads).toBe(2)
    const again = source.refresh(31)
    expect(loads).toBe(3)
    pending[2]?.resolve('third')
    expect((await again).value).toBe('third')
  })

  it('keeps a fresh value when a forced load fails, and says that it failed', async () => {
    const source = await loaded()
    const asked = source.refresh(1)
    pending[1]?.reject(down)
    expect(await asked).toEqual({ value: 'first', stale: false, failing: true, justLoaded: true })
    expect(await source.refresh(2)).toEqual({ value: 'first', stale: false, failing: true, justLoaded: false })
    expect(loads).toBe(2)
  })

  it('tells a load whether it is forced', async () => {
    const told: boolean[] = []
    const load = async (_: number, forced: boolean) => ({ value: String(told.push(forced)), freshFor: 100 })
    const source = kept({ load })
    await source.get(0)
    await source.refresh(1)
    await source.get(101)
    expect(told).toEqual([false, true, false])
  })

  it('counts from when the value was got, where that was before', async () => {
    const source = kept({ load: async (now) => ({ value: `at ${now}`, freshFor: 100, loadedAt: now - 50 }) })
    expect((await source.get(50)).value).toBe('at 50')
    expect([source.state(99), source.state(100), source.state(999), source.state(1_000)]).toEqual([
      'fresh',
      'stale',
      'stale',
      'missing',
    ])
  })

  it('lets nothing that was got before replace what was got later', async () => {
    const answers = [
      { value: 'newer', freshFor: 100, loadedAt: 10 },
      { value: 'older', freshFor: 100, loadedAt: 9 },
    ]
    const source = kept({ load: async () => answers.shift() ?? { value: 'none', freshFor: 0 } })
    await source.get(10)
    expect((await source.refresh(20)).value).toBe('newer')
  })

  it('never loads again what cannot change', async () => {
    let count = 0
    const load = async () => ({ value: `load ${++count}`, freshFor: Number.POSITIVE_INFINITY })
    const source = kept({ load })
    expect((await source.get(0)).value).toBe('load 1')
    expect((await source.get(1e12)).value).toBe('load 1')
    expect((await source.refresh(1e12)).value).toBe('load 1')
  })

  it('survives a load that never ends, and lets no late one replace a newer', async () => {
    const source = kept()
    const lost = source.get(0)
    const second = source.get(60)
    expect(loads).toBe(2)
    pending[1]?.resolve('second')
    expect((await second).value).toBe('second')
    pending[0]?.resolve('first')
    expect((await lost).value).toBe('second')
    expect((await source.get(61)).value).toBe('second')
  })

  it('survives a load that throws at once or throws what is no error', async () => {
    const atOnce = kept({
      load: () => {
        throw down
      },
    })
    await expect(atOnce.get(0)).rejects.toBe(down)
    await expect(atOnce.get(10)).rejects.toBe(down)
    expect(failures).toEqual(['down: missing', 'down: missing'])
    const odd = kept({ load: () => Promise.reject('a text') })
    await expect(odd.get(0)).rejects.toThrow('the load failed')
  })

  it('never uses a value beyond its budget nor attempts too often, whatever happens', async () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 150 }),
      works: fc.boolean(),
      forced: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        let works = true
        const attempts: number[] = []
        const successes: number[] = []
        const source = keptFresh<number>({
          staleFor: 300,
          load: async (now) => {
            attempts.push(now)
            if (!works) throw down
            successes.push(now)
            return { value: now, freshFor: 100 }
          },
          onFailure: () => undefined,
        })
        let now = 0
        let forced = 0
        for (const next of steps) {
          now += next.wait
          works = next.works
          if (next.forced) forced++
          const held = await (next.forced ? source.refresh(now) : source.get(now)).catch(() => undefined)
          if (held === undefined) continue
          expect(successes).toContain(held.value)
          expect(now - held.value).toBeLessThan(held.stale ? 300 : 100)
        }
        expect(attempts.length).toBeLessThanOrEqual(now / 5 + forced + 1)
        for (const [at, attempt] of attempts.entries())
          if (at > 0 && !successes.includes(attempts[at - 1] ?? 0))
            expect(attempt - (attempts[at - 1] ?? 0)).toBeGreaterThanOrEqual(5)
      }),
    )
  })
})

describe('keptFresh at once', () => {
  it('gives what there is, and never waits', async () => {
    const source = await loaded()
    expect(source.atOnce(79)).toEqual({ value: 'first', stale: false, failing: false, justLoaded: false })
    expect(kept().atOnce(0)).toBeUndefined()
    expect(loads).toBe(2)
  })

  it('renews ahead of time, as everybody who asks does', async () => {
    const source = await loaded()
    expect(source.atOnce(80)?.value).toBe('first')
    expect(loads).toBe(2)
    pending[1]?.resolve('second')
    await source.get(81)
    expect(source.atOnce(82)?.value).toBe('second')
  })

  it('gives nothing while those who wait may get something newer', async () => {
    const source = await loaded()
    expect(source.atOnce(100)).toBeUndefined()
    pending[1]?.reject(down)
    expect((await source.get(100)).stale).toBe(true)
    expect(source.atOnce(101)).toEqual({ value: 'first', stale: true, failing: true, justLoaded: false })
    expect(source.atOnce(131)).toBeUndefined()
    expect(loads).toBe(3)
  })

  it('gives nothing beyond the outage budget', async () => {
    const source = await loaded()
    expect(source.atOnce(990)).toBeUndefined()
    pending[1]?.reject(down)
    await source.get(990)
    expect(source.atOnce(999)?.value).toBe('first')
    expect(source.atOnce(1_000)).toBeUndefined()
  })
})
