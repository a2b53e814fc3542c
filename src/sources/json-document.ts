import type { Claims } from '../domain/claims.ts'
import type { Seconds } from '../domain/time.ts'
import { FormatError } from '../formats/format-error.ts'
import { asObject, parseJson } from '../formats/json.ts'
import { freshnessOf } from './freshness.ts'
import type { Outbound, OutboundPolicy } from './outbound.ts'

/** A JSON object that someone publishes. */
export interface JsonDocument {
  readonly members: Claims
  readonly freshFor: Seconds
}

/** A document was answered with another status than 200. */
export class StatusError extends Error {
  readonly status: number

  constructor(url: string, status: number) {
    super(`${new URL(url).host} answers with status ${status}`)
    this.name = 'StatusError'
    this.status = status
  }
}

/**
 * Gets the JSON object that is published at `url`.
 *
 * @throws OutboundError, StatusError, FormatError
 */
export const getJson = async (url: string, policy: OutboundPolicy, outbound: Outbound): Promise<JsonDocument> => {
  const response = await outbound.fetch({ method: 'GET', url, headers: { accept: 'application/json' } }, policy)
  if (response.status !== 200) throw new StatusError(url, response.status)
  return { members: readJsonObject(response.body), freshFor: freshnessOf(response.headers) }
}

/**
 * A JSON object from its text or its bytes: UTF-8, no member twice. A byte order mark is skipped (RFC 8259 section 8.1).
 *
 * @throws FormatError
 */
export const readJsonObject = (body: Uint8Array | string): Claims => {
  const members = asObject(parseJson(typeof body === 'string' ? body : textOf(body)))
  if (members === undefined) throw new FormatError('the document is not a JSON object')
  return members
}

/** The text of a document in UTF-8, without its byte order mark. @throws FormatError */
export const textOf = (body: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch (cause) {
    throw new FormatError('the document is not UTF-8', { cause })
  }
}
