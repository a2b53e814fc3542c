import { admit, authorize } from '../authorize.ts'
import type { Desk } from '../desk.ts'
import type { Permission } from '../domain/decision.ts'
import type { Instant } from '../domain/time.ts'
import type { OpenGateway } from '../gateways/client-certificate.ts'
import type { HttpAnswer, HttpCall, Question } from '../gateways/dialect.ts'
import { answerGateway, webAnswer } from './gateway-answer.ts'
import { type Inquiry, type Journey, settle, type Verdict } from './inquiry.ts'

/** A gateway keeps answers by what it thinks distinguishes requests, so only where nothing else does. */
const maxAgeOf = (permission: Permission, { decisions }: OpenGateway, desk: Desk, now: Instant): number =>
  permission.kind === 'allowed' && decisions.dialect.can.caching && decisions.isUniform && !desk.readsRequests
    ? Math.max(0, Math.floor(permission.reusableUntil - now))
    : 0

const wayIn: Journey<OpenGateway, Question, Permission> = { admit, go: authorize, maxAge: maxAgeOf }

/** One inquiry of a gateway at the way in. Never throws. */
export const decide = <Q extends Question>(
  inquiry: Inquiry<OpenGateway, Q>,
  desk: Desk,
): Promise<Verdict<OpenGateway, Q, Permission>> => settle<OpenGateway, Q, Permission>(inquiry, wayIn, desk)

/** The decision endpoint over HTTP. Never throws. */
export const answerAuthz = (call: HttpCall, desk: Desk): Promise<HttpAnswer> =>
  answerGateway(call, wayIn, ({ decisions }) => decisions, desk)

/** The same on the web platform. */
export const authz = async (call: HttpCall, desk: Desk): Promise<Response> => webAnswer(await answerAuthz(call, desk))
