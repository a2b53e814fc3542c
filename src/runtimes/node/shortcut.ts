import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Desk } from '../../desk.ts'
import { paths } from '../../domain/endpoints.ts'
import type { HttpAnswer, HttpCall } from '../../gateways/dialect.ts'
import { answerAuthz } from '../../http/authz.ts'
import { bodyTooLarge, maxBodyBytes } from '../../http/body.ts'
import { answerEgress } from '../../http/egress.ts'
import { answerDescribed, answerInvalidation } from '../../http/egress-described.ts'
import { answerIntrospection } from '../../http/introspection.ts'
import { turnAwayClient, turnAwayGateway } from '../../http/overload.ts'
import { answerToken } from '../../http/token.ts'
import type { Admission } from './admission.ts'
import { callerOfRequest } from './caller.ts'
import { createTurns } from './turns.ts'

/** An endpoint that is served here. */
interface Endpoint {
  readonly answer: (call: HttpCall, desk: Desk) => Promise<HttpAnswer>
  /** What is answered when there is no time for it. */
  readonly turnAway: (target: string, desk: Desk) => HttpAnswer
}

const ofClients = (answer: Endpoint['answer']): Endpoint => ({
  answer,
  turnAway: (_target, desk) => turnAwayClient(desk),
})

const forGateways: Endpoint = { answer: answerAuthz, turnAway: turnAwayGateway }
const forDepartures: Endpoint = { answer: answerEgress, turnAway: turnAwayGateway }
const forDescriptions = ofClients(answerDescribed)
const forInvalidations = ofClients(answerInvalidation)
const forTokens = ofClients(answerToken)
const forIntrospection = ofClients(answerIntrospection)

const endpointOf = (target: string): Endpoint | undefined => {
  if (target.startsWith(paths.authz)) return forGateways
  if (target.startsWith(paths.egress)) return forDepartures
  if (isAt(paths.token, target)) return forTokens
  if (isAt(paths.egressDescribed, target)) return forDescriptions
  if (isAt(paths.egressInvalidation, target)) return forInvalidations
  return isAt(paths.introspection, target) ? forIntrospection : undefined
}

const isAt = (path: string, target: string): boolean => target === path || target.startsWith(`${path}?`)

/**
 * Serves the endpoints that are asked most on Node's own request and response, without making the web platform's of
 * them: about 11 microseconds of processor time a request. The answers are the same; the tests of the token endpoint go
 * through here and those of the conformance suite through the Hono app. Gateways ask here only: no URL parser has
 * touched what their clients wrote.
 *
 * @returns false when the request is for another path
 */
export const shortcutTo = (desk: () => Desk, admission: Admission) => {
  const turns = createTurns()
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const endpoint = endpointOf(request.url ?? '')
    if (endpoint === undefined) return false
    if (admission.enter())
      turns.serve(() => void attend(endpoint, request, response, desk()).finally(() => admission.leave()))
    else if (!turns.turnAway(() => send(endpoint.turnAway(request.url ?? '', desk()), request, response)))
      response.destroy()
    return true
  }
}

const attend = async (
  { answer }: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
  desk: Desk,
): Promise<void> => {
  const fields = fieldsOf(request.rawHeaders)
  const call: HttpCall = {
    method: request.method ?? '',
    target: request.url ?? '',
    isVerbatim: true,
    header: (name) => fields.get(name),
    body: () => readBody(request),
    caller: () => callerOfRequest(request),
  }
  send(await answer(call, desk), request, response)
}

const send = ({ status, headers, body }: HttpAnswer, request: IncomingMessage, response: ServerResponse): void => {
  const all = { ...headers, 'content-length': body.length }
  // A body that was not read to its end would be taken for the next request.
  response.writeHead(status, request.complete ? all : { ...all, connection: 'close' })
  // Every answer is ASCII: base64url, URIs, scopes (RFC 6749 section 3.3) and fixed words.
  response.end(body, 'latin1')
}

/** Node keeps only the first of two Authorization fields; what a proxy may have read otherwise must not pass. */
const fieldsOf = (raw: readonly string[]): ReadonlyMap<string, string> => {
  const fields = new Map<string, string>()
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase()
    const before = fields.get(name)
    const value = raw[at + 1] ?? ''
    fields.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return fields
}

const readBody = (request: IncomingMessage): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) {
      reject(bodyTooLarge())
      return
    }
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maxBodyBytes) chunks.push(chunk)
      else reject(bodyTooLarge())
    })
    request.on('end', () => resolve((chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))?.toString() ?? ''))
    request.on('error', reject)
    // Who has gone away, now or before anybody listened, sends no end.
    request.on('close', () => reject(new Error('the request breaks off')))
    if (request.destroyed) reject(new Error('the request breaks off'))
  })
