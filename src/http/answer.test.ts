import { expect, it } from 'vitest'
import type { Json } from '../domain/claims.ts'
import { onTheWire, Refusal } from '../domain/refusal.ts'
import { asRefusal } from './answer.ts'

const logged: Readonly<Record<string, Json>>[] = []
const log = {
  info: () => undefined,
  warn: (_: string, fields: Readonly<Record<string, Json>> = {}) => {
    logged.push(fields)
  },
}

it('leaves a refusal as it is', () => {
  const refusal = new Refusal('scope.not_allowed', 'no')
  expect(asRefusal(refusal, 'r-1', log)).toBe(refusal)
  expect(logged).toEqual([])
})

it('answers a fault of ours with server_error, and logs where it happened but not what it said', () => {
  const refusal = asRefusal(new TypeError('cannot read hunter2'), 'r-2', log)
  expect(refusal.reason).toBe('internal')
  expect(onTheWire('internal')).toMatchObject({ status: 500, error: 'server_error' })
  expect(logged.at(-1)).toMatchObject({
    request_id: 'r-2',
    error: 'TypeError',
    at: expect.stringContaining('answer.test'),
  })
  expect(JSON.stringify(logged)).not.toContain('hunter2')
})
