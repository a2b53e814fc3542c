import type { Instant, Seconds } from '../../domain/time.ts'
import { FormatError } from '../format-error.ts'

/** Times as XML Schema part 2 writes them, in the one form of each that SAML lets senders use. */

const dateTime = /^([1-9]\d{3}-\d{2}-(\d{2})T\d{2}:\d{2}:\d{2})(\.\d{1,20})?Z$/

/**
 * An xs:dateTime in UTC, with `Z` and no other zone (SAML core section 1.3.3): a moment that exists, between the years
 * 1000 and 9999, no leap second and no 24:00.
 *
 * @throws FormatError
 */
export const instantIn = (text: string): Instant => {
  const [, whole, day, fraction = ''] = dateTime.exec(text) ?? []
  if (whole === undefined) throw new FormatError('a time is not an xs:dateTime in UTC')
  const moment = new Date(`${whole}Z`)
  // What does not exist is no time to Date, or one of another day.
  if (moment.getUTCDate() !== Number(day)) throw new FormatError('a time does not exist')
  return moment.getTime() / 1_000 + Number(`0${fraction}`)
}

const durationForm =
  /^P(?=[\dT])(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,20})?)S)?)?$/

/** Of years, months, days, hours, minutes, seconds. A year and a month are as long as the shortest of them. */
const unitSeconds: readonly Seconds[] = [31_536_000, 2_419_200, 86_400, 3_600, 60, 1]

/** An xs:duration that is not negative. @throws FormatError */
export const durationIn = (text: string): Seconds => {
  const found = durationForm.exec(text)
  if (found === null) throw new FormatError('a duration is not an xs:duration that can be used')
  const [, ...counts] = found
  return unitSeconds.reduce((sum, seconds, unit) => sum + seconds * Number(counts[unit] ?? 0), 0)
}
