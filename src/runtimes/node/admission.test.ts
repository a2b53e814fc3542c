import { beforeEach, describe, expect, it } from 'vitest'
import { type Admission, createAdmission } from './admission.ts'

let time = 0
let active = 0
let said: Readonly<Record<string, unknown>>[] = []
const pulse = { now: () => time, active: () => active }
const log = {
  info: () => undefined,
  warn: (_message: string, fields: Readonly<Record<string, unknown>> = {}) => void said.push(fields),
}

beforeEach(() => {
  time = 0
  active = 0
  said = []
})

const open = (maxInFlight = 4_096) => createAdmission({ maxInFlight, pulse, log })

const enterAll = (admission: Admission, wanted: number): number => {
  let admitted = 0
  for (let n = 0; n < wanted; n += 1) if (admission.enter()) admitted += 1
  return admitted
}

/** Requests come and go, one after the other, for so many milliseconds that each keeps the processor for `each`. */
const work = (admission: Admission, milliseconds: number, each: number, share = 1): void => {
  for (const end = time + milliseconds; time < end; ) {
    if (admission.enter()) admission.leave()
    time += each / share
    active += each
  }
}

describe('admission', () => {
  it('is bounded by number, and a place that is given back is taken again', () => {
    const admission = open(3)
    expect(enterAll(admission, 5)).toBe(3)
    admission.leave()
    expect(enterAll(admission, 5)).toBe(1)
  })

  it.each([
    [0.05, 1_000],
    [0.1, 500],
    [10, 256],
  ])('of a busy process is for as many as it can answer in 50 ms: at %d ms each %d', (each, most) => {
    const admission = open()
    work(admission, 1_000, each)
    const admitted = enterAll(admission, 5_000)
    expect(admitted).toBeGreaterThanOrEqual(most * 0.95)
    expect(admitted).toBeLessThanOrEqual(most * 1.05)
  })

  it('is never beyond the number, however fast it goes', () => {
    const admission = open(100)
    work(admission, 1_000, 0.01)
    expect(enterAll(admission, 500)).toBe(100)
  })

  it('follows the pace', () => {
    const admission = open()
    work(admission, 1_000, 1)
    work(admission, 1_000, 0.1)
    expect(enterAll(admission, 5_000)).toBeGreaterThan(450)
  })

  it('does not hold against requests what was done before they came', () => {
    const admission = open()
    time += 2_000
    active += 2_000
    work(admission, 500, 0.1)
    expect(enterAll(admission, 5_000)).toBeGreaterThan(450)
  })

  it('leaves room beside those who wait for something else', () => {
    const admission = open()
    work(admission, 1_000, 0.1, 0.2)
    const waiting = enterAll(admission, 400)
    expect(waiting).toBe(400)
    time += 200
    expect(enterAll(admission, 5_000)).toBeGreaterThan(450)
  })

  it('tells operators at most every ten seconds', () => {
    const admission = open(1)
    enterAll(admission, 3)
    expect(said).toEqual([{ requests: 1, at_most: 1 }])
    time += 9_999
    enterAll(admission, 3)
    expect(said).toHaveLength(1)
    time += 1
    enterAll(admission, 1)
    expect(said).toHaveLength(2)
    expect(said[1]).toEqual({ requests: 5, at_most: 1 })
  })
})
