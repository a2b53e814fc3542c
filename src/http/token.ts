import type { Desk } from '../desk.ts'
import { Refusal } from '../domain/refusal.ts'
import { newTrace, type Trace } from '../domain/trace.ts'
import { exchange } from '../dragoman.ts'
import { receive, refuse, respond, type TokenResponse } from '../gateways/token-endpoint.ts'
import { asRefusal } from './answer.ts'
import { readForm } from './body.ts'

/** POST /token: one request, one trace, one answer. */
export const token = async (request: Request, desk: Desk): Promise<Response> => {
  const { ports } = desk
  const trace = newTrace(ports.ids.next(), ports.clock.now(), desk.detailedTraces)
  const answer = recorded(await attend(request, desk, trace), desk, trace)
  return new Response(answer.body, { status: answer.status, headers: answer.headers })
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

const attend = async (request: Request, desk: Desk, trace: Trace): Promise<TokenResponse> => {
  try {
    if (request.method !== 'POST') throw new Refusal('request.method', `${request.method} is not POST`)
    const authorization = request.headers.get('authorization')
    const body = await readForm(request)
    const asked = receive(authorization === null ? { body } : { authorization, body })
    const issued = await exchange(asked, desk, trace)
    trace.outcome = { granted: true }
    return respond(issued)
  } catch (thrown) {
    const refusal = asRefusal(thrown, trace.requestId, desk.ports.log)
    trace.outcome = { granted: false, reason: refusal.reason, detail: refusal.detail }
    return refuse(refusal, trace.requestId)
  }
}
