import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createRecent } from './recent.ts'

const key = (text: string) => createHash('sha256').update(text).digest('base64url')

describe('recent', () => {
  it('remembers from the second time on', () => {
    const recent = createRecent<{ n: number }>(10_000)
    recent.offer(key('a'), { n: 1 }, 100)
    expect(recent.get(key('a'))).toBeUndefined()
    recent.offer(key('a'), { n: 2 }, 100)
    expect(recent.get(key('a'))).toEqual({ n: 2 })
  })

  it('keeps what is used again while 100,000 others pass once', () => {
    const recent = createRecent<{ n: number }>(10_000)
    for (const _ of [1, 2]) recent.offer(key('often'), { n: 0 }, 100)
    for (let n = 0; n < 100_000; n++) recent.offer(key(`once ${n}`), { n }, 100)
    expect(recent.get(key('often'))).toEqual({ n: 0 })
  })

  it('forgets what it is told to', () => {
    const recent = createRecent<{ n: number }>(10_000)
    for (const _ of [1, 2]) recent.offer(key('a'), { n: 1 }, 100)
    recent.forget(key('a'))
    expect(recent.get(key('a'))).toBeUndefined()
  })

  it('never holds more than its size', () => {
    const recent = createRecent<{ n: number }>(1_000)
    for (let n = 0; n < 50; n++) for (const _ of [1, 2]) recent.offer(key(String(n)), { n }, 100)
    const held = Array.from({ length: 50 }, (_, n) => recent.get(key(String(n)))).filter((one) => one !== undefined)
    expect(held.length).toBeLessThanOrEqual(10)
    recent.offer(key('huge'), { n: 0 }, 2_000)
    recent.offer(key('huge'), { n: 0 }, 2_000)
    expect(recent.get(key('huge'))).toBeUndefined()
  })
})
