import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FormatError } from '../format-error.ts'
import { durationIn, instantIn } from './instant.ts'

describe('a time', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 0],
    ['2026-07-14T10:00:00Z', 1_784_023_200],
    ['2024-02-29T23:59:59Z', 1_709_251_199],
    ['2026-07-14T10:00:00.5Z', 1_784_023_200.5],
    ['2026-07-14T10:00:00.1234567Z', 1_784_023_200.123_456_7],
    ['1969-12-31T23:59:59.25Z', -0.75],
    ['9999-12-31T23:59:59Z', 253_402_300_799],
  ])('%s is read', (text, instant) => {
    expect(instantIn(text)).toBeCloseTo(instant, 6)
  })

  it('is read as every moment is written', () => {
    const moments = fc.date({
      noInvalidDate: true,
      min: new Date('1000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
    })
    fc.assert(
      fc.property(moments, (date) => {
        expect(instantIn(date.toISOString())).toBeCloseTo(date.getTime() / 1_000, 6)
      }),
    )
  })

  it.each([
    ['nothing', ''],
    ['no zone', '2026-07-14T10:00:00'],
    ['an offset', '2026-07-14T10:00:00+00:00'],
    ['another offset', '2026-07-14T12:00:00+02:00'],
    ['no seconds', '2026-07-14T10:00Z'],
    ['a date', '2026-07-14'],
    ['a date with a zone', '2026-07-14Z'],
    ['small letters', '2026-07-14t10:00:00z'],
    ['a space for T', '2026-07-14 10:00:00Z'],
    ['space around it', ' 2026-07-14T10:00:00Z'],
    ['a line end after it', '2026-07-14T10:00:00Z\n'],
    ['an empty fraction', '2026-07-14T10:00:00.Z'],
    ['a comma for the point', '2026-07-14T10:00:00,5Z'],
    ['a fraction without end', `2026-07-14T10:00:00.${'1'.repeat(1_000)}Z`],
    ['a short year', '226-07-14T10:00:00Z'],
    ['the year 0', '0000-07-14T10:00:00Z'],
    ['a year with a zero before it', '0999-07-14T10:00:00Z'],
    ['a long year', '12026-07-14T10:00:00Z'],
    ['a negative year', '-2026-07-14T10:00:00Z'],
    ['a signed year', '+002026-07-14T10:00:00Z'],
    ['month 0', '2026-00-14T10:00:00Z'],
    ['month 13', '2026-13-14T10:00:00Z'],
    ['day 0', '2026-07-00T10:00:00Z'],
    ['30 February', '2026-02-30T10:00:00Z'],
    ['29 February of a common year', '2026-02-29T10:00:00Z'],
    ['29 February 2100', '2100-02-29T10:00:00Z'],
    ['31 April', '2026-04-31T10:00:00Z'],
    ['hour 24', '2026-07-14T24:00:00Z'],
    ['hour 25', '2026-07-14T25:00:00Z'],
    ['minute 60', '2026-07-14T10:60:00Z'],
    ['a leap second', '2016-12-31T23:59:60Z'],
    ['second 61', '2026-07-14T10:00:61Z'],
    ['digits of another script', '２026-07-14T10:00:00Z'],
  ])('with %s is refused', (_, text) => {
    expect(() => instantIn(text)).toThrow(FormatError)
  })
})

describe('a duration', () => {
  it.each([
    ['PT1H', 3_600],
    ['PT0S', 0],
    ['P1D', 86_400],
    ['P7D', 604_800],
    ['PT90M', 5_400],
    ['PT1.5S', 1.5],
    ['P1Y2M3DT4H5M6.7S', 31_536_000 + 2 * 2_419_200 + 3 * 86_400 + 4 * 3_600 + 5 * 60 + 6.7],
    ['P0Y0M0DT6H0M0.000S', 21_600],
    ['PT604800S', 604_800],
    ['P1M', 2_419_200],
    ['PT1M', 60],
  ])('%s is read', (text, seconds) => {
    expect(durationIn(text)).toBeCloseTo(seconds, 6)
  })

  it.each([
    '',
    'P',
    'PT',
    'P1DT',
    '1D',
    'P1',
    'P1H',
    'PT1D',
    'P1D1Y',
    'P1W',
    '-P1D',
    '+P1D',
    'P-1D',
    'P1.5D',
    'PT.5S',
    'PT1.S',
    'pt1h',
    ' PT1H',
    'PT1H\n',
    'P1D P1D',
    `PT${'9'.repeat(400)}S`,
    'INF',
  ])('%j is refused', (text) => {
    expect(() => durationIn(text)).toThrow(FormatError)
  })
})
