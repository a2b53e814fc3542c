import { describe, expect, it } from 'vitest'
import { onTheWire, type Reason, reasons } from './refusal.ts'

const all = Object.keys(reasons) as readonly Reason[]

/** The classes that judge what was presented, by itself and by policy. */
const judging = ['credential', 'issuer', 'source', 'map', 'rule', 'identity', 'actor', 'delegation']

const classOf = (reason: Reason): string => reason.split('.')[0] ?? ''

const verdicts = all.filter((reason) => judging.includes(classOf(reason)) && onTheWire(reason).status === 400)

describe('what the outside hears of a reason', () => {
  it.each(verdicts)('%s is invalid_request of a subject_token and invalid_grant of an assertion', (reason) => {
    expect(onTheWire(reason, 'subject_token')).toMatchObject({ status: 400, error: 'invalid_request' })
    expect(onTheWire(reason, 'assertion')).toMatchObject({ status: 400, error: 'invalid_grant' })
  })

  it.each(all.filter((reason) => !verdicts.includes(reason)))('%s is the same in every grant', (reason) => {
    expect(onTheWire(reason, 'assertion')).toEqual(onTheWire(reason, 'subject_token'))
    expect(onTheWire(reason, 'assertion').error).not.toBe('invalid_grant')
  })

  it('names in one grant no parameter of another', () => {
    for (const reason of verdicts) {
      expect(onTheWire(reason, 'assertion').description).not.toMatch(/subject_token|actor_token/)
      expect(onTheWire(reason, 'subject_token').description).not.toContain('assertion')
    }
  })

  it('is that of token exchange where no grant is known', () => {
    for (const reason of all) expect(onTheWire(reason)).toEqual(onTheWire(reason, 'subject_token'))
  })
})
