import { describe, expect, it } from 'vitest'
import { isFirst, planRotation } from './rotation.ts'
import type { StoredKey } from './stored-key.ts'

const overlap = { maxTtl: 1_000, skew: 10 }
const key = (kid: string, fields: Partial<StoredKey> = {}): StoredKey => ({
  kid,
  alg: 'ES256',
  createdAt: 0,
  privateKey: {},
  ...fields,
})
const plan = (keys: readonly StoredKey[], wish: Partial<Parameters<typeof planRotation>[3]> = {}) =>
  planRotation(keys, 500, overlap, { publishFor: 60, ...wish })

const active = key('active', { activeFrom: 10, alg: 'PS256' })
const due = key('due', { activeFrom: 520 })

describe('a rotation', () => {
  it('hands over to the key that has waited longest, after it was published for long enough', () => {
    const keys = [active, key('b', { createdAt: 2 }), key('a', { createdAt: 1 })]
    expect(plan(keys)).toMatchObject({ key: { kid: 'a' }, activeFrom: 560 })
    expect(plan(keys, { publishFor: 0 })).toMatchObject({ key: { kid: 'a' }, activeFrom: 500 })
  })

  it('makes a key of the same kind when none waits', () => {
    expect(plan([active])).toEqual({ algorithm: 'PS256', activeFrom: 560 })
    expect(plan([active], { algorithm: 'EdDSA' })).toEqual({ algorithm: 'EdDSA', activeFrom: 560 })
  })

  it('leaves a waiting key of another kind alone when a kind is asked for', () => {
    expect(plan([active, key('a')], { algorithm: 'EdDSA' })).toEqual({ algorithm: 'EdDSA', activeFrom: 560 })
  })

  it('does not wait where nothing signs', () => {
    expect(plan([])).toEqual({ algorithm: 'ES256', activeFrom: 500 })
    expect(plan([key('a')])).toMatchObject({ key: { kid: 'a' }, activeFrom: 500 })
    expect(plan([{ ...active, retireAt: 400 }])).toMatchObject({ activeFrom: 500 })
  })

  it('does not collide with one that is due, but can bring it forward', () => {
    expect(() => plan([active, due])).toThrow('due (ES256) is due to take over at 1970-01-01T00:08:40.000Z')
    expect(() => plan([active, due], { publishFor: 0, algorithm: 'EdDSA' })).toThrow('retire it first')
    expect(plan([active, due], { publishFor: 0 })).toMatchObject({ key: { kid: 'due' }, activeFrom: 500 })
  })
})

describe('a first key', () => {
  it('is one that comes when none signs and none is due to', () => {
    expect(isFirst([], 500, overlap)).toBe(true)
    expect(isFirst([key('waiting')], 500, overlap)).toBe(true)
    expect(isFirst([active], 500, overlap)).toBe(false)
    expect(isFirst([due], 500, overlap)).toBe(false)
    expect(isFirst([{ ...active, retireAt: 20 }], 500, overlap)).toBe(true)
  })
})
