import type { Desk } from '../desk.ts'
import type { Denial } from '../domain/decision.ts'
import type { Instant } from '../domain/time.ts'
import { newTrace, type Trace } from '../domain/trace.ts'
import type { Asker } from '../gateways/client-certificate.ts'
import type { Said } from '../gateways/dialect.ts'
import { asRefusal } from './answer.ts'

/** What is asked, in the words of the gateway that asks. */
export interface Inquiry<G, Q> extends Asker {
  /**
   * Reads the question when the gateway has proven who it is.
   *
   * @throws Refusal `gateway.unknown` where its dialect is not spoken in this way; `request.*`
   */
  question(gateway: G): Q | Promise<Q>
}

/** What is done about an inquiry: at the way in or at the way out. */
export interface Journey<G, Q, P> {
  /** @throws Refusal `gateway.*`, `keys.unavailable` */
  admit(asker: Asker, desk: Desk, now: Instant, trace: Trace): Promise<G>
  /** @throws Refusal with the reason why not */
  go(question: Q, gateway: G, desk: Desk, trace: Trace): Promise<P>
  /** Seconds for which the gateway may keep the answer. */
  maxAge(permission: P, gateway: G, desk: Desk, now: Instant): number
}

/** What became of an inquiry, and for whom it is to be put into words. */
export type Verdict<G, Q, P> = Permitted<G, Q, P> | Denied<G, Q>

export interface Permitted<G, Q, P> {
  readonly permission: P
  readonly said: Said
  readonly gateway: G
  readonly question: Q
}

export interface Denied<G, Q> {
  readonly denial: Denial
  readonly said: Said
  /** Absent: nobody has proven to be a gateway, and the answer must not tell why. */
  readonly gateway?: G
  /** Absent where it could not be read. */
  readonly question?: Q
}

/** One inquiry, one trace, one verdict, whatever the gateway speaks. Never throws. */
export const settle = async <G, Q, P>(
  inquiry: Inquiry<G, Q>,
  journey: Journey<G, Q, P>,
  desk: Desk,
): Promise<Verdict<G, Q, P>> => {
  const { ids, clock } = desk.ports
  const trace = newTrace(ids.next(), clock.now(), desk.detailedTraces)
  return recorded(await attend(inquiry, journey, desk, trace), desk, trace)
}

/** What cannot be recorded does not happen. */
const recorded = <G, Q, P>(verdict: Verdict<G, Q, P>, desk: Desk, trace: Trace): Verdict<G, Q, P> => {
  try {
    desk.ports.audit.record(trace)
    return verdict
  } catch {
    desk.ports.log.warn('the audit log cannot be written', { request_id: trace.requestId })
    return { ...verdict, denial: { kind: 'denied', reason: 'store.unavailable' } }
  }
}

const attend = async <G, Q, P>(
  inquiry: Inquiry<G, Q>,
  journey: Journey<G, Q, P>,
  desk: Desk,
  trace: Trace,
): Promise<Verdict<G, Q, P>> => {
  const { requestId, startedAt } = trace
  let known: Pick<Denied<G, Q>, 'gateway' | 'question'> = {}
  try {
    const gateway = await journey.admit(inquiry, desk, startedAt, trace)
    known = { gateway }
    const question = await inquiry.question(gateway)
    known = { gateway, question }
    const permission = await journey.go(question, gateway, desk, trace)
    trace.outcome = { granted: true }
    const maxAge = journey.maxAge(permission, gateway, desk, startedAt)
    return { permission, said: { requestId, again: trace.reused !== undefined, maxAge }, gateway, question }
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
