import { type Claims, isLoggable, type Json } from '../domain/claims.ts'
import type { Instant } from '../domain/time.ts'
import type { Trace } from '../domain/trace.ts'

/**
 * The audit event of a finished exchange: who asked for what, on whose word, by which rule, and what came of it. It
 * holds names and times, fingerprints in place of tokens, and no claim but a subject that its label lets operators see.
 *
 * @param at when the exchange ended
 */
export const auditEvent = (trace: Trace, at: Instant): Claims =>
  compact({
    time: isoTime(at),
    type: 'audit',
    request_id: trace.requestId,
    ...decision(trace),
    client: trace.client,
    client_method: trace.clientMethod,
    source: trace.kind,
    map: trace.map,
    rule: trace.rule,
    map_version: trace.version,
    issuer: trace.issuer,
    subject: subjectOf(trace),
    subject_token_type: trace.subjectTokenType,
    subject_token_sha256: trace.subjectTokenFingerprint,
    subject_token_jti: trace.subjectTokenId,
    audience: trace.audience,
    scope: trace.scope,
    txn: trace.transaction,
    jti: trace.tokenId,
    expires_at: trace.expiresAt === undefined ? undefined : isoTime(trace.expiresAt),
    stale_keys: trace.staleKeys,
    withheld: trace.withheld?.map(({ name, because }) => ({ name, because })),
    would_refuse: trace.wouldRefuse?.reason,
    duration_ms: Math.round((at - trace.startedAt) * 1_000_000) / 1_000,
  })

/** A trace without an outcome was cut off, which is no grant. */
const decision = ({ outcome }: Trace): Readonly<Record<string, Json | undefined>> => {
  if (outcome?.granted === true) return { decision: 'granted' }
  return { decision: 'refused', reason: outcome?.reason ?? 'internal', detail: outcome?.detail }
}

const subjectOf = ({ subject }: Trace): Json | undefined => {
  if (subject === undefined) return undefined
  return isLoggable(subject.sensitivity) ? subject.value : { redacted: subject.sensitivity }
}

const isoTime = (instant: Instant): string => new Date(instant * 1_000).toISOString()

/** What was presented may be long; an event keeps the beginning. */
const maxText = 1_024

const compact = (event: Readonly<Record<string, Json | undefined>>): Claims => {
  const present: Record<string, Json> = {}
  for (const [name, value] of Object.entries(event)) if (value !== undefined) present[name] = shortened(value)
  return present
}

const shortened = (value: Json): Json => {
  if (typeof value === 'string') return value.length > maxText ? `${value.slice(0, maxText)}…` : value
  return Array.isArray(value) ? value.map(shortened) : value
}
