import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { freshnessOf } from './freshness.ts'

describe('freshnessOf', () => {
  it.each([
    ['nothing said', {}, 600],
    ['max-age', { 'cache-control': 'public, max-age=3600' }, 3_600],
    ['max-age in other letters and quotes', { 'cache-control': 'Public,Max-Age="900"' }, 900],
    ['less its Age', { 'cache-control': 'max-age=3600', age: '600' }, 3_000],
    ['an Age that cannot be read', { 'cache-control': 'max-age=3600', age: 'old' }, 3_600],
    ['an Age beyond max-age', { 'cache-control': 'max-age=3600', age: '9999' }, 60],
    ['too short', { 'cache-control': 'max-age=0' }, 60],
    ['too long', { 'cache-control': 'max-age=31536000' }, 86_400],
    ['a max-age that cannot be read', { 'cache-control': 'max-age=soon' }, 60],
    ['a negative max-age', { 'cache-control': 'max-age=-5' }, 60],
    ['two max-ages: the shorter', { 'cache-control': 'max-age=7200, max-age=120' }, 120],
    ['no-store', { 'cache-control': 'no-store, max-age=3600' }, 60],
    ['no-cache', { 'cache-control': 'no-cache' }, 60],
    ['only the age for shared caches', { 'cache-control': 's-maxage=3600' }, 600],
    ['Expires', { expires: 'Sun, 06 Nov 1994 09:49:37 GMT', date: 'Sun, 06 Nov 1994 08:49:37 GMT' }, 3_600],
    [
      'max-age before Expires',
      {
        'cache-control': 'max-age=120',
        expires: 'Sun, 06 Nov 1994 09:49:37 GMT',
        date: 'Sun, 06 Nov 1994 08:49:37 GMT',
      },
      120,
    ],
    ['Expires without Date', { expires: 'Sun, 06 Nov 1994 09:49:37 GMT' }, 60],
    ['Expires that is no date', { expires: '0', date: 'Sun, 06 Nov 1994 08:49:37 GMT' }, 60],
  ])('%s', (_, headers, seconds) => expect(freshnessOf(headers)).toBe(seconds))

  it('stays between a minute and a day whatever the headers say', () => {
    const headers = fc.record(
      {
        'cache-control': fc.oneof(
          fc.string(),
          fc.nat().map((age) => `max-age=${age}`),
        ),
        age: fc.string(),
        expires: fc.string(),
        date: fc.string(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(headers, (given) => {
        const seconds = freshnessOf(given)
        expect(seconds).toBeGreaterThanOrEqual(60)
        expect(seconds).toBeLessThanOrEqual(86_400)
      }),
    )
  })
})
