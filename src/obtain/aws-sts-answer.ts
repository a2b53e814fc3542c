import type { Obtained } from '../domain/partner.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import { FormatError } from '../formats/format-error.ts'
import { parseXml, type XmlElement, type XmlLimits } from '../formats/xml/document.ts'
import { everyElement, textIn } from '../formats/xml/reading.ts'
import type { HttpResponse } from '../ports/http.ts'
import { textOf } from '../sources/json-document.ts'
import { endIn, invalidAnswer, refusedBy, tokenIn, wordIn } from './answers.ts'

/** What AWS STS answers (API version 2011-06-15). */

const limits: XmlLimits = { characters: 65_536, depth: 12, elements: 128, attributes: 8 }

/** Codes that speak of the moment and not of us. */
const passing: ReadonlySet<string> = new Set([
  'IDPCommunicationError',
  'InternalFailure',
  'RequestLimitExceeded',
  'ServiceUnavailable',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
])

/** Who uses keys up to their last minute finds them ended on the way. */
const margin: Seconds = 300
const least: Seconds = 60

/** For how long keys are given that end at `expiresAt`. */
export const keptFor = (expiresAt: Instant, now: Instant): Seconds => {
  const left = expiresAt - now
  return Math.max(left - margin, Math.min(least, left / 2))
}

/** No session of a role lasts longer: twelve hours, and what clocks may differ. */
const longest: Seconds = 44_100

/**
 * The keys of a role.
 *
 * @throws Refusal `partner.refused`, `partner.unavailable`, `partner.invalid_answer`
 */
export const stsCredentials = (
  { status, body }: HttpResponse,
  now: Instant,
): Obtained & { readonly expiresAt: Instant } => {
  const root = xmlOf(body)
  if (status !== 200) throw failure(status, root)
  const credentials = root && sole(root, 'Credentials')
  if (root?.local !== 'AssumeRoleWithWebIdentityResponse' || credentials === undefined)
    throw invalidAnswer('STS does not answer with credentials')
  const text = (name: string) => textOfSole(credentials, name)
  const expiresAt = endIn(text('Expiration'), 'Expiration', now)
  if (expiresAt > now + longest) throw invalidAnswer('Expiration is later than any that AWS gives')
  return {
    parts: {
      access_key_id: tokenIn(text('AccessKeyId'), 'AccessKeyId'),
      secret_access_key: tokenIn(text('SecretAccessKey'), 'SecretAccessKey'),
      session_token: tokenIn(text('SessionToken'), 'SessionToken'),
      expiration: tokenIn(text('Expiration'), 'Expiration'),
    },
    expiresAt,
  }
}

const failure = (status: number, root: XmlElement | undefined): Refusal => {
  const code = root && codeIn(root)
  if (code !== undefined && passing.has(code)) return new Refusal('partner.unavailable', `STS answers: ${code}`)
  return refusedBy('STS', status, code)
}

/** What is refused is refused, whether it says so well or not. */
const codeIn = (root: XmlElement): string | undefined => {
  const error = sole(root, 'Error')
  const code = error && sole(error, 'Code')
  return (
    code &&
    wordIn(
      code.children
        .filter((child) => typeof child === 'string')
        .join('')
        .trim(),
    )
  )
}

const xmlOf = (body: Uint8Array): XmlElement | undefined => {
  try {
    return parseXml(textOf(body), limits)
  } catch (thrown) {
    if (thrown instanceof FormatError) return undefined
    throw thrown
  }
}

const sole = (within: XmlElement, local: string): XmlElement | undefined => {
  const [found, ...others] = everyElement(within).filter((element) => element.local === local)
  return others.length === 0 ? found : undefined
}

const textOfSole = (within: XmlElement, local: string): string => {
  const element = sole(within, local)
  if (element === undefined) throw invalidAnswer(`STS answers without ${local}`)
  try {
    return textIn(element).trim()
  } catch (cause) {
    if (cause instanceof FormatError) throw invalidAnswer(`STS: ${cause.message}`)
    throw cause
  }
}
