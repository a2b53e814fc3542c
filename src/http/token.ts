import type { Desk } from '../desk.ts'
import { Refusal } from '../domain/refusal.ts'
import { newTrace, type Trace } from '../domain/trace.ts'
import { exchange } from '../dragoman.ts'
import { receive, respond } from '../gateways/token-endpoint.ts'
import { type FormResponse, refuse } from '../gateways/token-form.ts'
import type { TokenGrant } from '../gateways/token-grant.ts'
import { asRefusal } from './answer.ts'
import { type FormCall, readForm } from './form-call.ts'

/** The token endpoint on the web platform. */
export const token = async (call: FormCall, desk: Desk): Promise<Response> => {
  const { status, headers, body } = await answerToken(call, desk)
  return new Response(body, { status, headers })
}

/** One request, one trace, one answer. Never throws. */
export const answerToken = async (call: FormCall, desk: Desk): Promise<FormResponse> => {
  const { ids, clock } = desk.ports
  const trace = newTrace(ids.next(), clock.now(), desk.detailedTraces)
  return recorded(await attend(call, desk, trace), desk, trace)
}

/** What cannot be recorded does not happen: the token that was made is not handed out. */
const recorded = (answer: FormResponse, desk: Desk, trace: Trace): FormResponse => {
  try {
    desk.ports.audit.record(trace)
    return answer
  } catch {
    desk.ports.log.warn('the audit log cannot be written', { request_id: trace.requestId })
    return refuse(new Refusal('store.unavailable', 'the audit log cannot be written'), trace.requestId)
  }
}

const attend = async (call: FormCall, desk: Desk, trace: Trace): Promise<FormResponse> => {
  let grant: TokenGrant | undefined
  try {
    const received = receive(await readForm(call, desk, trace))
    grant = received.grant
    trace.grantType = grant.type
    const issued = await exchange(received.request, desk, trace)
    trace.outcome = { granted: true }
    return respond(issued, grant)
  } catch (thrown) {
    const refusal = asRefusal(thrown, trace.requestId, desk.ports.log)
    trace.outcome = { granted: false, reason: refusal.reason, detail: refusal.detail }
    return refuse(refusal, trace.requestId, grant?.parameter)
  }
}
