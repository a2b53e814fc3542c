import { isLoggable, type Json } from '../domain/claims.ts'
import type { Instant } from '../domain/time.ts'
import type { Findings, Trace } from '../domain/trace.ts'

/** The audit event of an exchange. Members that do not apply are undefined, which JSON leaves out. */
export interface AuditEvent {
  readonly [member: string]: Json | undefined
}

/**
 * The audit event of a finished exchange: who asked for what, on whose word, by which rule, and what came of it. It
 * holds names and times, fingerprints in place of tokens, and no claim but a subject that its label lets operators see.
 * A trace without an outcome was cut off, which is no grant.
 *
 * @param at when the exchange ended
 */
export const auditEvent = (trace: Trace, at: Instant): AuditEvent => ({
  ...requestPart(trace, at),
  ...findingsPart(trace.reused ?? trace),
})

/** What is true of the one request alone. */
export const requestPart = (trace: Trace, at: Instant): AuditEvent => {
  const { outcome } = trace
  const refused = outcome?.granted === true ? undefined : (outcome ?? cutOff)
  return {
    time: isoTime(at),
    type: 'audit',
    request_id: trace.requestId,
    decision: refused === undefined ? 'granted' : 'refused',
    reason: refused?.reason,
    detail: short(refused?.detail),
    grant_type: trace.grantType,
    client: short(trace.client),
    client_method: trace.clientMethod,
    ingress: trace.ingress && { ...trace.ingress },
    egress: trace.egress && { ...trace.egress },
    partner: trace.partner,
    credential_id: trace.credentialId,
    credential_kinds: trace.credentialKinds,
    credential_from: trace.credentialFrom,
    certificate: trace.certificate && { 'x5t#S256': trace.certificate.thumbprint, via: trace.certificate.via },
    reused: trace.reused && true,
    stale_keys: trace.staleKeys,
    duration_ms: Math.round((at - trace.startedAt) * 1_000_000) / 1_000,
  }
}

/** What was found of a credential, whoever asked: the same for all to whom the decision was given. */
export const findingsPart = (trace: Findings): AuditEvent => ({
  source: trace.kind,
  map: trace.map,
  rule: trace.rule,
  map_version: trace.version,
  issuer: short(trace.issuer),
  subject: subjectOf(trace),
  subject_token_type: short(trace.subjectTokenType),
  subject_token_sha256: trace.subjectTokenFingerprint,
  subject_token_jti: short(trace.subjectTokenId),
  actor: actorOf(trace),
  actor_depth: trace.actorDepth,
  audience: trace.audience?.map(shortText),
  scope: trace.scope?.map(shortText),
  txn: trace.transaction,
  jti: trace.tokenId,
  expires_at: trace.expiresAt === undefined ? undefined : isoTime(trace.expiresAt),
  withheld: trace.withheld?.map(({ name, because }) => ({ name: shortText(name), because })),
  would_refuse: trace.wouldRefuse?.reason,
})

const cutOff = { reason: 'internal', detail: undefined } as const

const actorOf = ({ actor }: Findings): Json | undefined => {
  if (actor === undefined) return undefined
  const { map, rule, issuer } = actor
  return { map, rule, issuer: shortText(issuer), subject: subjectOf(actor) ?? null }
}

const subjectOf = ({ subject }: Pick<Trace, 'subject'>): Json | undefined => {
  if (subject === undefined) return undefined
  return isLoggable(subject.sensitivity) ? subject.value : { redacted: subject.sensitivity }
}

/** The text of the last second that was asked for: most events of a busy server share it. */
let lastSecond = { second: Number.NaN, text: '' }

const isoTime = (instant: Instant): string => {
  const milliseconds = Math.floor(instant * 1_000)
  const second = Math.floor(milliseconds / 1_000)
  if (second !== lastSecond.second) lastSecond = { second, text: new Date(second * 1_000).toISOString().slice(0, -4) }
  return `${lastSecond.text}${String(milliseconds - second * 1_000).padStart(3, '0')}Z`
}

/** What was presented may be long; an event keeps the beginning. */
const maxText = 1_024

const shortText = (text: string): string => (text.length > maxText ? `${text.slice(0, maxText)}…` : text)

const short = (text: string | undefined): string | undefined => (text === undefined ? undefined : shortText(text))
