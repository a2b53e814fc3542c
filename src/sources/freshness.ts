import type { Seconds } from '../domain/time.ts'

const shortest: Seconds = 60
const longest: Seconds = 86_400
const byDefault: Seconds = 600

/**
 * For how many seconds an answer counts as fresh (RFC 9111 section 4.2.1): `max-age` or else `Expires` against the
 * answer's own `Date`, less its `Age`, within one minute and one day; ten minutes when it says nothing. A lifetime that
 * cannot be read, `no-cache` and `no-store` get the minute: nobody can make us fetch at every request.
 */
export const freshnessOf = (headers: Readonly<Record<string, string>>): Seconds => {
  const lifetime = lifetimeOf(headers)
  if (lifetime === undefined) return byDefault
  const age = wholeSeconds(headers['age'] ?? '0')
  return Math.min(Math.max(lifetime - age, shortest), longest)
}

const lifetimeOf = (headers: Readonly<Record<string, string>>): Seconds | undefined => {
  const directives = (headers['cache-control'] ?? '').toLowerCase().split(',').map(directive)
  if (directives.some(([name]) => name === 'no-cache' || name === 'no-store')) return 0
  const ages = directives.filter(([name]) => name === 'max-age').map(([, value]) => wholeSeconds(value))
  if (ages.length > 0) return Math.min(...ages)
  return headers['expires'] === undefined ? undefined : untilExpiry(headers['expires'], headers['date'])
}

const directive = (text: string): readonly [name: string, value: string] => {
  const [name = '', value = ''] = text.split('=', 2)
  return [name.trim(), value.trim().replace(/^"(.*)"$/, '$1')]
}

const untilExpiry = (expires: string, date: string | undefined): Seconds => {
  const seconds = (instantOf(expires) - instantOf(date ?? '')) / 1000
  return Number.isFinite(seconds) ? seconds : 0
}

/** An HTTP date in the one form that senders may use (RFC 9110 section 5.6.7). */
const httpDate = /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/

const instantOf = (text: string): number => (httpDate.test(text) ? Date.parse(text) : Number.NaN)

/** A number of seconds as headers write it, or 0. */
const wholeSeconds = (text: string): Seconds => (/^[0-9]{1,10}$/.test(text) ? Number(text) : 0)
