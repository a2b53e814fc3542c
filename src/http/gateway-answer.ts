import type { Desk } from '../desk.ts'
import { Refusal } from '../domain/refusal.ts'
import { authzPath } from '../gateways/authz-path.ts'
import type { PreparedGateway } from '../gateways/client-certificate.ts'
import type { Dialect, HttpAnswer, HttpCall, HttpWords } from '../gateways/dialect.ts'
import { refuseUnproven } from '../gateways/http-dialect.ts'
import { type Journey, settle } from './inquiry.ts'

/** How a gateway speaks, at the way in or at the way out. */
export interface Spoken<Q, P> {
  readonly dialect: Dialect
  /** Absent: not over HTTP. */
  readonly words?: HttpWords<Q, P>
}

/** What a gateway asks over HTTP at a path with its name, answered in its own words. Never throws. */
export const answerGateway = async <G extends PreparedGateway, Q, P>(
  call: HttpCall,
  journey: Journey<G, Q, P>,
  spokenBy: (gateway: G) => Spoken<Q, P>,
  desk: Desk,
): Promise<HttpAnswer> => {
  const asker = { gateway: authzPath(call.target)?.name ?? '', call, caller: () => call.caller() }
  const question = (gateway: G) => wordsOf(gateway.name, spokenBy(gateway)).question(call)
  const verdict = await settle({ ...asker, question }, journey, desk)
  const words = verdict.gateway && spokenBy(verdict.gateway).words
  if (words === undefined) return refuseUnproven(verdict.said)
  return 'denial' in verdict
    ? words.deny(verdict.denial, verdict.said, verdict.question)
    : words.permit(verdict.permission, verdict.said, verdict.question)
}

const wordsOf = <Q, P>(name: string, { words, dialect }: Spoken<Q, P>): HttpWords<Q, P> => {
  if (words === undefined)
    throw new Refusal('gateway.unknown', `${name} is of the dialect ${dialect.kind}, which has a way of its own`)
  return words
}

/** An answer on the web platform. */
export const webAnswer = ({ status, headers, body }: HttpAnswer): Response => new Response(body, { status, headers })
