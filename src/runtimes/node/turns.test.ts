import { expect, it } from 'vitest'
import { createTurns } from './turns.ts'

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

it('serves all requests of a turn together, in the order in which they came', async () => {
  const turns = createTurns()
  const done: number[] = []
  for (const n of [1, 2, 3]) turns.serve(() => void done.push(n))
  expect(done).toEqual([])
  await nextTurn()
  expect(done).toEqual([1, 2, 3])
})

it('turns one away for four that it serves, and the others in the next turns', async () => {
  const turns = createTurns()
  let [served, away] = [0, 0]
  for (let n = 0; n < 200; n += 1)
    turns.serve(() => {
      served += 1
    })
  for (let n = 0; n < 70; n += 1)
    expect(
      turns.turnAway(() => {
        away += 1
      }),
    ).toBe(true)
  await nextTurn()
  expect([served, away]).toEqual([200, 50])
  await nextTurn()
  expect(away).toBe(66)
  await nextTurn()
  expect(away).toBe(70)
})

it('lets no more than ten thousand wait to be turned away', async () => {
  const turns = createTurns()
  const taken = Array.from({ length: 10_050 }, () => turns.turnAway(() => undefined))
  expect(taken.filter(Boolean)).toHaveLength(10_000)
  await nextTurn()
  expect(turns.turnAway(() => undefined)).toBe(true)
})
