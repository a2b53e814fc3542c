import { type Asker, admit, authorize } from '../authorize.ts'
import type { Desk } from '../desk.ts'
import type { Denial, Permission } from '../domain/decision.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { newTrace, type Trace } from '../domain/trace.ts'
import { authzPath } from '../gateways/authz-path.ts'
import type { OpenGateway } from '../gateways/client-certificate.ts'
import type { HttpAnswer, HttpCall, HttpWords, Question, Said } from '../gateways/dialect.ts'
import { refuseUnproven } from '../gateways/http-dialect.ts'
import { asRefusal } from './answer.ts'

/** What is asked, in the words of the gateway that asks. */
export interface Inquiry<Q extends Question = Question> extends Asker {
  /**
   * Reads the question when the gateway has proven who it is.
   *
   * @throws Refusal `gateway.unknown` where its dialect is not spoken in this way; `request.*`
   */
  question(gateway: OpenGateway): Q | Promise<Q>
}

/** What became of an inquiry, and for whom it is to be put into words. */
export type Verdict<Q extends Question = Question> = Permitted<Q> | Denied<Q>

export interface Permitted<Q extends Question> {
  readonly permission: Permission
  readonly said: Said
  readonly gateway: OpenGateway
  readonly question: Q
}

export interface Denied<Q extends Question> {
  readonly denial: Denial
  readonly said: Said
  /** Absent: nobody has proven to be a gateway, and the answer must not tell why. */
  readonly gateway?: OpenGateway
  /** Absent where it could not be read. */
  readonly question?: Q
}

/** One inquiry, one trace, one verdict, whatever the gateway speaks. Never throws. */
export const decide = async <Q extends Question>(inquiry: Inquiry<Q>, desk: Desk): Promise<Verdict<Q>> => {
  const { ids, clock } = desk.ports
  const trace = newTrace(ids.next(), clock.now(), desk.detailedTraces)
  return recorded(await attend(inquiry, desk, trace), desk, trace)
}

/** What cannot be recorded does not happen. */
const recorded = <Q extends Question>(verdict: Verdict<Q>, desk: Desk, trace: Trace): Verdict<Q> => {
  try {
    desk.ports.audit.record(trace)
    return verdict
  } catch {
    desk.ports.log.warn('the audit log cannot be written', { request_id: trace.requestId })
    return { ...verdict, denial: { kind: 'denied', reason: 'store.unavailable' } }
  }
}

const attend = async <Q extends Question>(inquiry: Inquiry<Q>, desk: Desk, trace: Trace): Promise<Verdict<Q>> => {
  const { requestId, startedAt } = trace
  let known: Pick<Denied<Q>, 'gateway' | 'question'> = {}
  try {
    const gateway = await admit(inquiry, desk, startedAt, trace)
    known = { gateway }
    const question = await inquiry.question(gateway)
    known = { gateway, question }
    const permission = await authorize(question, gateway, desk, trace)
    trace.outcome = { granted: true }
    return {
      permission,
      said: {
        requestId,
        again: trace.reused !== undefined,
        maxAge: maxAgeOf(permission, gateway, desk, startedAt),
      },
      gateway,
      question,
    }
  } catch (thrown) {
    const { reason, detail, exceeded } = asRefusal(thrown, requestId, desk.ports.log)
    trace.outcome = { granted: false, reason, detail }
    return {
      denial: { kind: 'denied', reason, ...(exceeded && { exceeded }) },
      said: { requestId, again: false, maxAge: 0 },
      ...known,
    }
  }
}

/** A gateway keeps answers by what it thinks distinguishes requests, so only where nothing else does. */
const maxAgeOf = (permission: Permission, { decisions }: OpenGateway, desk: Desk, now: Instant): number =>
  permission.kind === 'allowed' && decisions.dialect.can.caching && decisions.isUniform && !desk.readsRequests
    ? Math.max(0, Math.floor(permission.reusableUntil - now))
    : 0

/** The decision endpoint over HTTP. Never throws. */
export const answerAuthz = async (call: HttpCall, desk: Desk): Promise<HttpAnswer> => {
  const inquiry: Inquiry = {
    gateway: authzPath(call.target)?.name ?? '',
    call,
    caller: () => call.caller(),
    question: (gateway) => wordsOf(gateway).question(call),
  }
  const verdict = await decide(inquiry, desk)
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
