import type { Desk } from '../desk.ts'
import { newTrace } from '../domain/trace.ts'
import { receiveIntrospection, respondIntrospection } from '../gateways/introspection-endpoint.ts'
import { type FormResponse, refuse } from '../gateways/token-form.ts'
import { introspect } from '../introspect.ts'
import { asRefusal } from './answer.ts'
import { type FormCall, readForm } from './form-call.ts'

/** The introspection endpoint on the web platform (RFC 7662). */
export const introspection = async (call: FormCall, desk: Desk): Promise<Response> => {
  const { status, headers, body } = await answerIntrospection(call, desk)
  return new Response(body, { status, headers })
}

/** Never throws. */
export const answerIntrospection = async (call: FormCall, desk: Desk): Promise<FormResponse> => {
  const { ids, clock, log } = desk.ports
  const trace = newTrace(ids.next(), clock.now())
  try {
    const request = receiveIntrospection(await readForm(call, desk, trace))
    return respondIntrospection(await introspect(request, desk, trace))
  } catch (thrown) {
    return refuse(asRefusal(thrown, trace.requestId, log), trace.requestId)
  }
}
