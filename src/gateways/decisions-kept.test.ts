import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Allowed, decidedAs } from '../domain/decision.ts'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import { tokenTypes } from '../domain/token-type.ts'
import { newTrace } from '../domain/trace.ts'
import { canLast, createDecisionsKept, type Made, weightOfAllowed } from './decisions-kept.ts'

const keyOf = (text: string) => createHash('sha256').update(text).digest('base64url')

const made = (token: string, more: Partial<Made> = {}): Made => ({
  allowed: decidedAs<Allowed>({
    kind: 'allowed',
    gateway: 'edge',
    route: 'orders',
    token: {
      value: secret(token),
      id: token,
      type: tokenTypes.accessToken,
      scheme: 'Bearer',
      scope: [],
      expiresAt: 200,
      expiresIn: 100,
    },
    identity: { subject: 'ada', rule: 'people/all', transaction: 'txn' },
    reusableUntil: 150,
  }),
  party: 'ada',
  stillHolds: () => ({ stale: false }),
  ...more,
})

const trace = () => newTrace('id', 100)

describe('decisions that are kept', () => {
  it('take no more room than they may', async () => {
    const kept = createDecisionsKept(weightOfAllowed, 100_000)
    const keys = Array.from({ length: 200 }, (_, n) => keyOf(String(n)))
    for (const key of keys)
      for (const _ of [1, 2]) await kept.decide(key, 100, trace(), async () => made('x'.repeat(1_000)))
    const found = keys.filter((key) => kept.again(key, 100, trace()) !== undefined)
    expect(found.length).toBeGreaterThan(10)
    expect(found.length).toBeLessThan(33)
  })

  it('are forgotten when they hold no more', async () => {
    const kept = createDecisionsKept(weightOfAllowed)
    const key = keyOf('a')
    let holds = true
    const stillHolds = () => (holds ? { stale: false } : undefined)
    for (const _ of [1, 2]) await kept.decide(key, 100, trace(), async () => made('a', { stillHolds }))
    expect(kept.again(key, 149, trace())).toBeDefined()
    holds = false
    expect(kept.again(key, 149, trace())).toBeUndefined()
    holds = true
    expect(kept.again(key, 149, trace())).toBeUndefined()
  })

  it('are shared by those who wait, but not what was made for one', async () => {
    const kept = createDecisionsKept(weightOfAllowed)
    let count = 0
    const make = (lasts: boolean) => async (): Promise<Made> => {
      count += 1
      await new Promise((resolve) => setTimeout(resolve, 5))
      const { stillHolds, ...once } = made(`token ${count}`)
      return lasts && stillHolds !== undefined ? { ...once, stillHolds } : once
    }
    const ask = (lasts: boolean) => kept.decide(keyOf(String(lasts)), 100, trace(), make(lasts))
    await Promise.all([ask(true), ask(true), ask(true)])
    expect(count).toBe(1)
    await Promise.all([ask(false), ask(false), ask(false)])
    expect(count).toBe(4)
  })

  it('are not waited for any more once one has failed', async () => {
    const kept = createDecisionsKept(weightOfAllowed)
    const key = keyOf('a')
    const fails = async (): Promise<Made> => {
      throw new Refusal('credential.expired', 'exp has passed')
    }
    const all = await Promise.allSettled([kept.decide(key, 100, trace(), fails), kept.decide(key, 100, trace(), fails)])
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect((await kept.decide(key, 100, trace(), async () => made('a'))).allowed.token.id).toBe('a')
  })
})

it.each([
  ['a JWT', tokenTypes.accessToken, 'a.b.c', true],
  ['an assertion', tokenTypes.saml2, 'PHNhbWw', true],
  ['an opaque token', tokenTypes.accessToken, 'opaque', false],
  ['a certificate', tokenTypes.x509Chain, 'MIIB', false],
])('%s can last or cannot', (_, type, raw, lasts) => {
  expect(canLast({ type, raw: secret(raw) })).toBe(lasts)
})
