import { admit, authorize } from '../authorize.ts'
import type { Desk } from '../desk.ts'
import type { Permission } from '../domain/decision.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { authzPath } from '../gateways/authz-path.ts'
import type { OpenGateway } from '../gateways/client-certificate.ts'
import type { HttpAnswer, HttpCall, HttpWords, Question } from '../gateways/dialect.ts'
import { refuseUnproven } from '../gateways/http-dialect.ts'
import { type Inquiry, settle, type Verdict } from './inquiry.ts'

/** A gateway keeps answers by what it thinks distinguishes requests, so only where nothing else does. */
const maxAgeOf = (permission: Permission, { decisions }: OpenGateway, desk: Desk, now: Instant): number =>
  permission.kind === 'allowed' && decisions.dialect.can.caching && decisions.isUniform && !desk.readsRequests
    ? Math.max(0, Math.floor(permission.reusableUntil - now))
    : 0

const wayIn = { admit, go: authorize, maxAge: maxAgeOf }

/** One inquiry of a gateway at the way in. Never throws. */
export const decide = <Q extends Question>(
  inquiry: Inquiry<OpenGateway, Q>,
  desk: Desk,
): Promise<Verdict<OpenGateway, Q, Permission>> => settle<OpenGateway, Q, Permission>(inquiry, wayIn, desk)

/** The decision endpoint over HTTP. Never throws. */
export const answerAuthz = async (call: HttpCall, desk: Desk): Promise<HttpAnswer> => {
  const verdict = await decide(
    {
      gateway: authzPath(call.target)?.name ?? '',
      call,
      caller: () => call.caller(),
      question: (gateway) => wordsOf(gateway).question(call),
    },
    desk,
  )
  const { said, question } = verdict
  const words = verdict.gateway?.decisions.words
  if (words === undefined) return refuseUnproven(said)
  return 'denial' in verdict
    ? words.deny(verdict.denial, said, question)
    : words.permit(verdict.permission, said, verdict.question)
}

const wordsOf = ({ decisions, name }: OpenGateway): HttpWords => {
  const { words, dialect } = decisions
  if (words === undefined)
    throw new Refusal('gateway.unknown', `${name} is of the dialect ${dialect.kind}, which has a way of its own`)
  return words
}

/** The same on the web platform. */
export const authz = async (call: HttpCall, desk: Desk): Promise<Response> => {
  const { status, headers, body } = await answerAuthz(call, desk)
  return new Response(body, { status, headers })
}
