import type { Desk } from '../desk.ts'
import { Refusal } from '../domain/refusal.ts'
import { certificateRecord, type Trace } from '../domain/trace.ts'
import { clientCertificate } from '../gateways/client-certificate.ts'
import type { HttpCall } from '../gateways/dialect.ts'
import type { FormRequest } from '../gateways/token-form.ts'

/** A request that posts a form, as far as it matters. */
export type FormCall = Pick<HttpCall, 'method' | 'header' | 'body' | 'caller'>

/**
 * Reads the form and finds the client certificate over which it came.
 *
 * @throws Refusal `request.*`, `certificate.*`
 */
export const readForm = async (call: FormCall, desk: Desk, trace: Trace): Promise<FormRequest> => {
  if (call.method !== 'POST') throw new Refusal('request.method', `${call.method} is not POST`)
  if (!isForm(call.header('content-type'))) throw new Refusal('request.media_type', 'the body is not a form')
  const authorization = call.header('authorization')
  const certificate = await clientCertificate(call, call.caller(), desk.gateways, trace.startedAt, desk)
  if (certificate !== undefined) trace.certificate = certificateRecord(certificate)
  return {
    body: await bodyOf(call),
    ...(authorization === undefined ? {} : { authorization }),
    ...(certificate === undefined ? {} : { certificate }),
  }
}

/** A body that breaks off is the sender's fault, whatever the runtime calls it. */
const bodyOf = async (call: FormCall): Promise<string> => {
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
