import type { Desk } from '../desk.ts'
import type { Equipped } from '../domain/decision.ts'
import { Refusal } from '../domain/refusal.ts'
import { admitDeparture, equip } from '../egress.ts'
import { authzPath } from '../gateways/authz-path.ts'
import type { DepartureGateway } from '../gateways/client-certificate.ts'
import type { DepartureQuestion, HttpAnswer, HttpCall, HttpWords } from '../gateways/dialect.ts'
import { refuseUnproven } from '../gateways/http-dialect.ts'
import { type Inquiry, settle, type Verdict } from './inquiry.ts'

/** What a partner accepts is kept here, where it can be taken back, and by no gateway. */
const wayOut = { admit: admitDeparture, go: equip, maxAge: () => 0 }

/** One inquiry of a gateway at the way out. Never throws. */
export const decideDeparture = <Q extends DepartureQuestion>(
  inquiry: Inquiry<DepartureGateway, Q>,
  desk: Desk,
): Promise<Verdict<DepartureGateway, Q, Equipped>> => settle<DepartureGateway, Q, Equipped>(inquiry, wayOut, desk)

/** The endpoint of gateways at the way out, over HTTP. Never throws. */
export const answerEgress = async (call: HttpCall, desk: Desk): Promise<HttpAnswer> => {
  const verdict = await decideDeparture(
    {
      gateway: authzPath(call.target)?.name ?? '',
      call,
      caller: () => call.caller(),
      question: (gateway) => wordsOf(gateway).question(call),
    },
    desk,
  )
  const { said, question } = verdict
  const words = verdict.gateway?.departures.words
  if (words === undefined) return refuseUnproven(said)
  return 'denial' in verdict
    ? words.deny(verdict.denial, said, question)
    : words.permit(verdict.permission, said, verdict.question)
}

const wordsOf = ({
  departures: { words, dialect },
  name,
}: DepartureGateway): HttpWords<DepartureQuestion, Equipped> => {
  if (words === undefined)
    throw new Refusal('gateway.unknown', `${name} is of the dialect ${dialect.kind}, which has a way of its own`)
  return words
}

/** The same on the web platform. */
export const egress = async (call: HttpCall, desk: Desk): Promise<Response> => {
  const { status, headers, body } = await answerEgress(call, desk)
  return new Response(body, { status, headers })
}
