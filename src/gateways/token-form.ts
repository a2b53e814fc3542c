import type { PresentedCertificate } from '../domain/presented-certificate.ts'
import { type CredentialParameter, onTheWire, Refusal } from '../domain/refusal.ts'
import type { Seconds } from '../domain/time.ts'

/** A form that was posted to one of the OAuth endpoints, as far as their dialects read it. */
export interface FormRequest {
  readonly authorization?: string
  readonly body: string
  /** The client certificate over which the request came. */
  readonly certificate?: PresentedCertificate
}

/** An answer of one of them. */
export interface FormResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export const jsonHeaders = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  pragma: 'no-cache',
} as const

/** When to come again after an outage. */
export const retryAfter: Seconds = 5

/**
 * Refusal -> Response (RFC 6749 section 5.2). The caller hears the class of the failure and where to ask about it.
 *
 * @param parameter what brought the credential, where the grant is known
 */
export const refuse = (
  { reason }: Pick<Refusal, 'reason'>,
  requestId: string,
  parameter?: CredentialParameter,
): FormResponse => {
  const { status, error, description } = onTheWire(reason, parameter)
  return {
    status,
    headers: {
      ...jsonHeaders,
      ...(status === 401 ? { 'www-authenticate': 'Basic realm="dragoman", charset="UTF-8"' } : {}),
      ...(status === 405 ? { allow: 'POST' } : {}),
      ...(status === 503 ? { 'retry-after': String(retryAfter) } : {}),
    },
    body: JSON.stringify({ error, error_description: `${description} (request ${requestId})` }),
  }
}

/** The parameters of a token request, checked for repetition: RFC 6749 section 3.2. */
export interface TokenForm {
  /** The one value of a parameter; a parameter without a value counts as absent. */
  one(name: string): string | undefined
  /** All values of a parameter that may be repeated, in order. */
  all(name: string): readonly string[]
}

/** RFC 8693 section 2.1: these two may appear more than once. */
const repeatable: ReadonlySet<string> = new Set(['audience', 'resource'])

const maxParameters = 64

/**
 * Reads an application/x-www-form-urlencoded body.
 *
 * @throws Refusal `request.parameter_repeated`, `request.malformed`
 */
export const parseTokenForm = (body: string): TokenForm => {
  const values = new Map<string, string[]>()
  let count = 0
  for (const [name, value] of new URLSearchParams(body)) {
    if (++count > maxParameters) throw new Refusal('request.malformed', `more than ${maxParameters} parameters`)
    if (value === '') continue
    const known = values.get(name)
    if (known === undefined) values.set(name, [value])
    else if (repeatable.has(name)) known.push(value)
    else throw new Refusal('request.parameter_repeated', 'a parameter other than audience and resource is repeated')
  }
  return { one: (name) => values.get(name)?.[0], all: (name) => values.get(name) ?? [] }
}

/** @throws Refusal `request.parameter_missing` */
export const required = (form: TokenForm, name: string): string => {
  const value = form.one(name)
  if (value === undefined) throw new Refusal('request.parameter_missing', `${name} is missing`)
  return value
}
