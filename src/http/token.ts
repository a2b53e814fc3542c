import type { Desk } from '../desk.ts'
import { Refusal } from '../domain/refusal.ts'
import { newTrace, type Trace } from '../domain/trace.ts'
import { exchange } from '../dragoman.ts'
import { receive, refuse, respond, type TokenResponse } from '../gateways/token-endpoint.ts'
import { asRefusal } from './answer.ts'
import { readBody } from './body.ts'

/** A request to the token endpoint, as far as it matters. A runtime may show its own without making a Request of it. */
export interface TokenCall {
  readonly method: string
  /** A header field by its lower-case name; of several with one name, the values joined by `, `. */
  header(name: string): string | undefined
  /** The body, read no further than the limit. */
  body(): Promise<string>
}

/** The token endpoint on the web platform. */
export const token = async (request: Request, desk: Desk): Promise<Response> => {
  const call: TokenCall = {
    method: request.method,
    header: (name) => request.headers.get(name) ?? undefined,
    body: () => readBody(request),
  }
  const { status, headers, body } = await answerToken(call, desk)
  return new Response(body, { status, headers })
}

/** One request, one trace, one answer. Never throws. */
export const answerToken = async (call: TokenCall, desk: Desk): Promise<TokenResponse> => {
  const { ids, clock } = desk.ports
  const trace = newTrace(ids.next(), clock.now(), desk.detailedTraces)
  return recorded(await attend(call, desk, trace), desk, trace)
}

/** What cannot be recorded does not happen: the token that was made is not handed out. */
const recorded = (answer: TokenResponse, desk: Desk, trace: Trace): TokenResponse => {
  try {
    desk.ports.audit.record(trace)
    return answer
  } catch {
    desk.ports.log.warn('the audit log cannot be written', { request_id: trace.requestId })
    return refuse(new Refusal('store.unavailable', 'the audit log cannot be written'), trace.requestId)
  }
}

const attend = async (call: TokenCall, desk: Desk, trace: Trace): Promise<TokenResponse> => {
  try {
    if (call.method !== 'POST') throw new Refusal('request.method', `${call.method} is not POST`)
    if (!isForm(call.header('content-type'))) throw new Refusal('request.media_type', 'the body is not a form')
    const authorization = call.header('authorization')
    const body = await bodyOf(call)
    const issued = await exchange(
      receive(authorization === undefined ? { body } : { authorization, body }),
      desk,
      trace,
    )
    trace.outcome = { granted: true }
    return respond(issued)
  } catch (thrown) {
    const refusal = asRefusal(thrown, trace.requestId, desk.ports.log)
    trace.outcome = { granted: false, reason: refusal.reason, detail: refusal.detail }
    return refuse(refusal, trace.requestId)
  }
}

/** A body that breaks off is the sender's fault, whatever the runtime calls it. */
const bodyOf = async (call: TokenCall): Promise<string> => {
  try {
    return await call.body()
  } catch (cause) {
    if (cause instanceof Refusal) throw cause
    throw new Refusal('request.malformed', 'the body breaks off', { cause })
  }
}

const formType = 'application/x-www-form-urlencoded'

const isForm = (contentType: string | undefined): boolean =>
  contentType === formType || contentType?.split(';')[0]?.trim().toLowerCase() === formType
