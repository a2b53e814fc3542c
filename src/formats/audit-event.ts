import { type Claims, isLoggable, type Json } from '../domain/claims.ts'
import type { Instant } from '../domain/time.ts'
import type { Trace } from '../domain/trace.ts'

/**
 * The audit event of a finished exchange: who asked for what, on whose word, by which rule, and what came of it. It
 * holds names and times, fingerprints in place of tokens, and no claim but a subject that its label lets operators see.
 *
 * @param at when the exchange ended
 */
export const auditEvent = (trace: Trace, at: Instant): Claims => {
  const event: Record<string, Json> = { time: isoTime(at), type: 'audit', request_id: trace.requestId }
  putDecision(event, trace)
  put(event, 'client', trace.client)
  put(event, 'client_method', trace.clientMethod)
  put(event, 'source', trace.kind)
  put(event, 'map', trace.map)
  put(event, 'rule', trace.rule)
  put(event, 'map_version', trace.version)
  put(event, 'issuer', trace.issuer)
  put(event, 'subject', subjectOf(trace))
  put(event, 'subject_token_type', trace.subjectTokenType)
  put(event, 'subject_token_sha256', trace.subjectTokenFingerprint)
  put(event, 'subject_token_jti', trace.subjectTokenId)
  put(event, 'audience', trace.audience)
  put(event, 'scope', trace.scope)
  put(event, 'txn', trace.transaction)
  put(event, 'jti', trace.tokenId)
  if (trace.expiresAt !== undefined) event['expires_at'] = isoTime(trace.expiresAt)
  put(event, 'stale_keys', trace.staleKeys)
  if (trace.withheld !== undefined)
    event['withheld'] = trace.withheld.map(({ name, because }) => ({ name: shortText(name), because }))
  put(event, 'would_refuse', trace.wouldRefuse?.reason)
  event['duration_ms'] = Math.round((at - trace.startedAt) * 1_000_000) / 1_000
  return event
}

/** A trace without an outcome was cut off, which is no grant. */
const putDecision = (event: Record<string, Json>, { outcome }: Trace): void => {
  if (outcome?.granted === true) {
    event['decision'] = 'granted'
    return
  }
  event['decision'] = 'refused'
  event['reason'] = outcome?.reason ?? 'internal'
  put(event, 'detail', outcome?.detail)
}

const subjectOf = ({ subject }: Trace): Json | undefined => {
  if (subject === undefined) return undefined
  return isLoggable(subject.sensitivity) ? subject.value : { redacted: subject.sensitivity }
}

const isoTime = (instant: Instant): string => new Date(instant * 1_000).toISOString()

/** What was presented may be long; an event keeps the beginning. */
const maxText = 1_024

const shortText = (text: string): string => (text.length > maxText ? `${text.slice(0, maxText)}…` : text)

const shortened = (value: Json): Json => {
  if (typeof value === 'string') return shortText(value)
  return Array.isArray(value) ? value.map(shortened) : value
}

const put = (event: Record<string, Json>, name: string, value: Json | undefined): void => {
  if (value !== undefined) event[name] = shortened(value)
}
