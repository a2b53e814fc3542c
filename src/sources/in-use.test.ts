import { describe, expect, it } from 'vitest'
import { collectGarbage } from '../../test/world/garbage.ts'
import { sharedInUse } from './in-use.ts'

const numbered = () => {
  let made = 0
  return { shared: sharedInUse<{ readonly n: number }>(), create: () => ({ n: made++ }) }
}

describe('what is in use', () => {
  it('is the same for the same owner and name', () => {
    const { shared, create } = numbered()
    const [owner, another] = [{}, {}]
    const held = shared(owner, 'a', create)
    expect(shared(owner, 'a', create)).toBe(held)
    expect(shared(owner, 'b', create)).not.toBe(held)
    expect(shared(another, 'a', create)).not.toBe(held)
  })

  it('is forgotten once nobody holds it', async () => {
    const { shared, create } = numbered()
    const owner = {}
    const held = shared(owner, 'held', create)
    expect(shared(owner, 'dropped', create).n).toBe(1)
    await collectGarbage()
    expect(shared(owner, 'dropped', create).n).toBe(2)
    expect(shared(owner, 'held', create)).toBe(held)
  })
})
