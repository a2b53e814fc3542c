import type { Instant } from '../../domain/time.ts'
import { FormatError } from '../format-error.ts'
import { type DerNode, tags } from './der.ts'

/**
 * A Time: UTCTime YYMMDDHHMMSSZ, or GeneralizedTime YYYYMMDDHHMMSSZ; with seconds always, with fractions and offsets
 * never (RFC 5280 section 4.1.2.5). Dates up to 2049 should come as UTCTime, but both forms must be understood.
 *
 * @throws FormatError
 */
export const timeIn = (node: DerNode): Instant => {
  if (node.tag === tags.utcTime) return instantOf((node.content >= '5' ? '19' : '20') + node.content)
  if (node.tag === tags.generalizedTime) return generalizedTimeIn(node)
  throw new FormatError('a time is of the wrong type')
}

/** A GeneralizedTime, also where an implicit tag stands in place of its own. @throws FormatError */
export const generalizedTimeIn = (node: DerNode): Instant => instantOf(node.content)

const instantOf = (digits: string): Instant => {
  if (!/^[1-9]\d{13}Z$/.test(digits)) throw new FormatError('a time is malformed')
  const pair = (at: number): number => Number(digits.slice(at, at + 2))
  const [year, month, day, hour, minute, second] = [
    Number(digits.slice(0, 4)),
    pair(4),
    pair(6),
    pair(8),
    pair(10),
    pair(12),
  ]
  const isReal = month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
  if (!isReal || hour > 23 || minute > 59 || second > 59) throw new FormatError('a time does not exist')
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1_000
}

const daysIn = (year: number, month: number): number => {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
