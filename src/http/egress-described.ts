import type { Desk } from '../desk.ts'
import type { Equipped } from '../domain/decision.ts'
import { onTheWire, Refusal } from '../domain/refusal.ts'
import { admitDeparture, admitDescription, equip, invalidate } from '../egress.ts'
import { type DescribedRequest, describedRequest } from '../formats/described-request.ts'
import { FormatError } from '../formats/format-error.ts'
import { asObject, parseJson } from '../formats/json.ts'
import { type Asker, clientCertificate, type DepartureGateway } from '../gateways/client-certificate.ts'
import type { DepartureQuestion, HttpAnswer, HttpCall } from '../gateways/dialect.ts'
import { limitHeaders } from '../gateways/rate-limits.ts'
import { retryAfter } from '../gateways/token-form.ts'
import { webAnswer } from './gateway-answer.ts'
import { type Denied, type Journey, settle } from './inquiry.ts'

/** The request and its answer in JSON, for whoever puts the credential on a request itself. */

const wayOut: Journey<DepartureGateway, DepartureQuestion, Equipped> = {
  admit: admitDescription,
  go: equip,
  maxAge: () => 0,
}

/** `POST /v1/egress`. Never throws. */
export const answerDescribed = async (call: HttpCall, desk: Desk): Promise<HttpAnswer> => {
  const described = await read(call, describedRequest)
  if (described instanceof Refusal) return refuseUnread(described, call, desk)
  const verdict = await settle(
    {
      ...askerOf(described.gateway, call),
      question: (gateway) => questionOf(described, gateway, call, desk),
    },
    wayOut,
    desk,
  )
  return 'denial' in verdict ? denied(verdict) : permitted(verdict.permission, verdict.said.requestId)
}

const askerOf = (gateway: string, call: HttpCall): Asker => ({ gateway, call, caller: () => call.caller() })

/** A service that asks for itself shows its own credential; a gateway describes whose request it has. */
const questionOf = (
  { request }: DescribedRequest,
  gateway: DepartureGateway,
  call: HttpCall,
  desk: Desk,
): DepartureQuestion => {
  const { sentPath, query, headers, contentDigest } = request
  const rest = {
    original: () => request,
    outgoing: () => ({ sentPath, query, headers, ...(contentDigest === undefined ? {} : { contentDigest }) }),
  }
  if (gateway.departures.settings.callers === 'gateway') return { ...rest, field: (name) => headers[name] }
  return {
    ...rest,
    field: (name) => call.header(name),
    presented: () => clientCertificate(call, call.caller(), desk.gateways, desk.ports.clock.now(), desk),
  }
}

const permitted = ({ presentation }: Equipped, requestId: string): HttpAnswer => {
  const { partner, credentialId, set, remove, query, boundTo, expiresAt } = presentation
  return jsonAnswer(200, requestId, {
    decision: 'allow',
    partner,
    set: set.map(([name, value]) => [name, value.reveal()]),
    remove,
    query: { set: query.set.map(([name, value]) => [name, value.reveal()]), remove: query.remove },
    cacheable: boundTo.length === 0,
    bound_to: boundTo,
    expires_at: new Date(Math.floor(expiresAt) * 1_000).toISOString(),
    credential_id: credentialId,
    request_id: requestId,
  })
}

const denied = ({ denial, said }: Pick<Denied<unknown, unknown>, 'denial' | 'said'>): HttpAnswer => {
  const { status, error, description } = onTheWire(denial.reason, 'gateway')
  const answer = jsonAnswer(status, said.requestId, {
    decision: 'deny',
    error,
    error_description: description,
    request_id: said.requestId,
  })
  return {
    ...answer,
    headers: {
      ...answer.headers,
      ...(status === 503 ? { 'Retry-After': String(retryAfter) } : {}),
      ...(denial.exceeded === undefined ? {} : limitHeaders(denial.exceeded)),
    },
  }
}

const jsonAnswer = (status: number, requestId: string, body: object): HttpAnswer => ({
  status,
  headers: { 'Content-Type': 'application/json', 'X-Request-ID': requestId, 'Cache-Control': 'no-store' },
  body: JSON.stringify(body).replaceAll(/[\u0080-\uffff]/g, escapedUnit),
})

const escapedUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/** What the body says, or why it cannot be read. */
const read = async <T>(call: HttpCall, parse: (text: string) => T): Promise<T | Refusal> => {
  try {
    if (call.method !== 'POST') return new Refusal('request.method', `${call.method} is not POST`)
    const [type = ''] = (call.header('content-type') ?? '').split(';')
    if (type.trim().toLowerCase() !== 'application/json')
      return new Refusal('request.description_malformed', 'the body is not application/json')
    return parse(await call.body())
  } catch (thrown) {
    if (thrown instanceof Refusal) return thrown
    const why = thrown instanceof FormatError ? thrown.message : 'the body breaks off'
    return new Refusal('request.description_malformed', why)
  }
}

/** Recorded as every refusal is. */
const refuseUnread = async (refusal: Refusal, call: HttpCall, desk: Desk): Promise<HttpAnswer> => {
  const nobody = () => Promise.reject(refusal)
  const verdict = await settle(
    { ...askerOf('', call), question: nobody },
    { admit: nobody, go: nobody, maxAge: () => 0 },
    desk,
  )
  const { reason } = refusal
  return denied('denial' in verdict ? verdict : { denial: { kind: 'denied', reason }, said: verdict.said })
}

interface Invalidation {
  readonly gateway: string
  readonly partner: string
  readonly credentialId: string
}

const invalidationIn = (text: string): Invalidation => {
  const body = asObject(parseJson(text, { maxLength: 4_096, maxDepth: 2 }))
  const [gateway, partner, credentialId] = ['gateway', 'partner', 'credential_id'].map((name) => body?.[name])
  if (typeof gateway !== 'string' || typeof partner !== 'string' || typeof credentialId !== 'string')
    throw new FormatError('an invalidation has the members gateway, partner, credential_id')
  return { gateway, partner, credentialId }
}

/** `POST /v1/egress/invalidate`: a partner did not take a credential. Never throws. */
export const answerInvalidation = async (call: HttpCall, desk: Desk): Promise<HttpAnswer> => {
  const told = await read(call, invalidationIn)
  if (told instanceof Refusal) return refuseUnread(told, call, desk)
  const verdict = await settle(
    { ...askerOf(told.gateway, call), question: () => told },
    { admit: admitDeparture, go: invalidate, maxAge: () => 0 },
    desk,
  )
  if ('denial' in verdict) return denied(verdict)
  const { permission: invalidated, said } = verdict
  return jsonAnswer(200, said.requestId, { invalidated, request_id: said.requestId })
}

/** The same on the web platform. */
export const described = async (call: HttpCall, desk: Desk): Promise<Response> =>
  webAnswer(await answerDescribed(call, desk))

export const invalidation = async (call: HttpCall, desk: Desk): Promise<Response> =>
  webAnswer(await answerInvalidation(call, desk))
