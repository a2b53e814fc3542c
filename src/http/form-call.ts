import type { Desk } from '../desk.ts'
import type { Caller } from '../domain/caller.ts'
import type { PresentedCertificate } from '../domain/presented-certificate.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Trace } from '../domain/trace.ts'
import { clientCertificate } from '../gateways/client-certificate.ts'
import type { FormRequest } from '../gateways/token-form.ts'
import { readBody } from './body.ts'

/** A request that posts a form, as far as it matters. A runtime may show its own without making a Request of it. */
export interface FormCall {
  readonly method: string
  /** A header field by its lower-case name; of several with one name, the values joined by `, `. */
  header(name: string): string | undefined
  /** The body, read no further than the limit. */
  body(): Promise<string>
  /** Who is at the other end of the connection. Throws a Refusal when what the platform says of it cannot be believed. */
  caller(): Caller
}

/** The same on the web platform. */
export const formCallOf = (request: Request, caller: FormCall['caller']): FormCall => ({
  method: request.method,
  header: (name) => request.headers.get(name) ?? undefined,
  body: () => readBody(request),
  caller,
})

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
  if (certificate !== undefined) trace.certificate = seenBy(certificate)
  return {
    body: await bodyOf(call),
    ...(authorization === undefined ? {} : { authorization }),
    ...(certificate === undefined ? {} : { certificate }),
  }
}

const seenBy = ({ thumbprint, via }: PresentedCertificate): NonNullable<Trace['certificate']> => ({
  thumbprint,
  via: via === 'tls' ? 'tls' : `gateway ${via.gateway}`,
})

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
