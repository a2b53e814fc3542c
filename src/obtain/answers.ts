import type { Claims, Json } from '../domain/claims.ts'
import { Refusal } from '../domain/refusal.ts'
import { type Secret, secret } from '../domain/secret.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import { FormatError } from '../formats/format-error.ts'
import { asObject } from '../formats/json.ts'
import type { HttpResponse } from '../ports/http.ts'
import { readJsonObject } from '../sources/json-document.ts'

/** What partners answer, read as if they were nobody's friend. */

const longest: Seconds = 315_360_000

export const invalidAnswer = (what: string) => new Refusal('partner.invalid_answer', what)

/**
 * The members of a JSON answer of success.
 *
 * @throws Refusal `partner.refused`, `partner.unauthenticated` for 4xx, with an error code where it is no more than a word; `partner.invalid_answer`
 */
export const jsonAnswer = ({ status, body }: HttpResponse, success: number, who: string): Claims => {
  if (status !== success) throw refusedBy(who, status, codeIn(body))
  try {
    return readJsonObject(body)
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw invalidAnswer(`${who}: ${cause.message}`)
  }
}

/** What a status other than success says, and with which code: about our secret, about what was asked, or nothing. */
export const refusedBy = (who: string, status: number, code?: string): Refusal => {
  const detail = `${who} answers with status ${status}${code === undefined ? '' : `: ${code}`}`
  if (status < 400 || status > 499) return invalidAnswer(detail)
  const isAboutUs = status === 401 || code === 'invalid_client'
  return new Refusal(isAboutUs ? 'partner.unauthenticated' : 'partner.refused', detail)
}

/** OAuth's `error`, Google's `error.status`, `error.code` and `code` of others; nothing longer than a word gets into our records. */
const codeIn = (body: Uint8Array): string | undefined => {
  try {
    const { error, code } = readJsonObject(body)
    const { status, code: inner } = asObject(error) ?? {}
    return wordIn(error) ?? wordIn(status) ?? wordIn(inner) ?? wordIn(code)
  } catch {
    return undefined
  }
}

/** A code is a word: everything else could hold what we sent. */
export const wordIn = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && /^[A-Za-z][A-Za-z_.-]{0,63}$/.test(value) ? value : undefined

/** A token: visible ASCII, so that no line can be broken with it. @throws Refusal `partner.invalid_answer` */
export const tokenIn = (value: Json | undefined, what: string): Secret<string> => {
  if (typeof value !== 'string' || !/^[\x21-\x7e]{1,16384}$/.test(value))
    throw invalidAnswer(`${what} is not a token of visible characters`)
  return secret(value)
}

/** Seconds until the end. @throws Refusal `partner.invalid_answer` */
export const secondsIn = (value: Json | undefined, what: string): Seconds => {
  if (typeof value !== 'number' || !(value > 0 && value <= longest))
    throw invalidAnswer(`${what} is not a number of seconds`)
  return value
}

/** An end as RFC 3339 writes it. @throws Refusal `partner.invalid_answer` */
export const endIn = (value: Json | undefined, what: string, now: Instant): Instant => {
  const instant =
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/.test(value)
      ? Date.parse(value) / 1_000
      : Number.NaN
  if (!Number.isFinite(instant)) throw invalidAnswer(`${what} is not a time`)
  if (instant > now + longest) throw invalidAnswer(`${what} is years away`)
  return instant
}
