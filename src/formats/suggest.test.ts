import { describe, expect, it } from 'vitest'
import { didYouMean, nearest } from './suggest.ts'

describe('nearest', () => {
  it.each([
    ['audience', ['audiences', 'issuer'], 'audiences'],
    ['isuser', ['issuer', 'issuers'], 'issuer'],
    ['TTL', ['ttl'], 'ttl'],
    ['claimss', ['claims', 'client'], 'claims'],
    ['zzz', ['claims', 'client'], undefined],
    ['x', [], undefined],
  ])('%s among %j: %s', (word, candidates, expected) => {
    expect(nearest(word, candidates)).toBe(expected)
  })
})

describe('didYouMean', () => {
  it('names what is known when nothing is near', () => {
    expect(didYouMean('zzz', ['claims', 'client'])).toBe('known here: claims, client')
    expect(didYouMean('clams', ['claims'])).toBe('did you mean `claims`?')
    expect(didYouMean('clams', [])).toBeUndefined()
  })
})
