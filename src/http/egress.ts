import type { Desk } from '../desk.ts'
import type { Equipped } from '../domain/decision.ts'
import { admitDeparture, equip } from '../egress.ts'
import type { DepartureGateway } from '../gateways/client-certificate.ts'
import type { DepartureQuestion, HttpAnswer, HttpCall } from '../gateways/dialect.ts'
import { answerGateway, webAnswer } from './gateway-answer.ts'
import { type Inquiry, type Journey, settle, type Verdict } from './inquiry.ts'

/** What a partner accepts is kept here, where it can be taken back, and by no gateway. */
const wayOut: Journey<DepartureGateway, DepartureQuestion, Equipped> = {
  admit: admitDeparture,
  go: equip,
  maxAge: () => 0,
}

/** One inquiry of a gateway at the way out. Never throws. */
export const decideDeparture = <Q extends DepartureQuestion>(
  inquiry: Inquiry<DepartureGateway, Q>,
  desk: Desk,
): Promise<Verdict<DepartureGateway, Q, Equipped>> => settle<DepartureGateway, Q, Equipped>(inquiry, wayOut, desk)

/** The endpoint of gateways at the way out, over HTTP. Never throws. */
export const answerEgress = (call: HttpCall, desk: Desk): Promise<HttpAnswer> =>
  answerGateway(call, wayOut, ({ departures }) => departures, desk)

/** The same on the web platform. */
export const egress = async (call: HttpCall, desk: Desk): Promise<Response> => webAnswer(await answerEgress(call, desk))
