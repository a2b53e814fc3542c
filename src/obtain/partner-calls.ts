import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  retry,
  wrap,
} from 'cockatiel'
import { Refusal } from '../domain/refusal.ts'
import type { HttpRequest, HttpResponse } from '../ports/http.ts'
import type { CallOutcome, Meters } from '../ports/meters.ts'
import { type Outbound, OutboundError } from '../sources/outbound.ts'
import type { SendLimits } from './obtainer.ts'
import type { CallSettings } from './partner-document.ts'

/** How one partner is called. What goes wrong with one has no part in how another is called. */
export interface PartnerCalls {
  /** @throws Refusal `partner.unavailable`, `partner.timeout`, `partner.invalid_answer`, `partner.overloaded`, `partner.circuit_open` */
  send(request: HttpRequest, limits?: SendLimits): Promise<HttpResponse>
  /** Tries `attempt` again where nothing was answered: at most twice, after a moment that is not the same for all. */
  persist<T>(attempt: () => Promise<T>): Promise<T>
}

const failuresInRow = 5
const leftAlone = 5_000
const furtherAttempts = 2
const firstPause = 50
const defaultMaxBytes = 65_536

const isOutage = (thrown: unknown): boolean =>
  thrown instanceof Refusal && (thrown.reason === 'partner.unavailable' || thrown.reason === 'partner.timeout')

/** What came of nothing may be tried again; who was too slow once would be so again. */
const isWorthAnother = (thrown: unknown): boolean =>
  thrown instanceof Refusal && thrown.reason === 'partner.unavailable'

/** The calls of the partner `name` under `settings`. */
export const createPartnerCalls = (
  name: string,
  { timeout, concurrency, allowHosts }: CallSettings,
  outbound: Outbound,
  meters: Meters,
): PartnerCalls => {
  const breaker = circuitBreaker(handleWhen(isOutage), {
    halfOpenAfter: leftAlone,
    breaker: new ConsecutiveBreaker(failuresInRow),
  })
  breaker.onStateChange((state) =>
    meters.gauge('dragoman_partner_circuit_open', { partner: name }, state === CircuitState.Open ? 1 : 0),
  )
  const policy = wrap(breaker, bulkhead(concurrency, concurrency))
  const again = retry(handleWhen(isWorthAnother), {
    maxAttempts: furtherAttempts,
    backoff: new ExponentialBackoff({ initialDelay: firstPause, maxDelay: 1_000 }),
  })
  let inFlight = 0
  const show = (difference: number) => {
    inFlight += difference
    meters.gauge('dragoman_partner_calls_in_flight', { partner: name }, inFlight)
  }

  const call = async (request: HttpRequest, limits: SendLimits): Promise<HttpResponse> => {
    show(1)
    try {
      const { maxBytes = defaultMaxBytes, clientCertificate } = limits
      const response = await outbound.fetch(request, {
        allowHosts,
        timeout,
        maxBytes,
        ...(clientCertificate && { clientCertificate }),
      })
      if (response.status >= 500 || response.status === 429)
        throw new Refusal('partner.unavailable', `${name} answers with status ${response.status}`)
      return response
    } catch (thrown) {
      throw thrown instanceof OutboundError ? refusalOf(thrown) : thrown
    } finally {
      show(-1)
    }
  }

  return {
    async send(request, limits = {}) {
      try {
        const response = await policy.execute(() => call(request, limits))
        meters.count('dragoman_partner_calls_total', { partner: name, outcome: 'answered' })
        return response
      } catch (thrown) {
        const refusal = asRefusal(thrown, name)
        if (refusal === undefined) throw thrown
        meters.count('dragoman_partner_calls_total', {
          partner: name,
          outcome: outcomes.get(refusal.reason) ?? 'invalid',
        })
        throw refusal
      }
    },
    persist: (attempt) => again.execute(attempt),
  }
}

const outcomes: ReadonlyMap<string, CallOutcome> = new Map([
  ['partner.unavailable', 'unavailable'],
  ['partner.timeout', 'timeout'],
  ['partner.invalid_answer', 'invalid'],
  ['partner.overloaded', 'overloaded'],
  ['partner.circuit_open', 'circuit_open'],
])

const asRefusal = (thrown: unknown, name: string): Refusal | undefined => {
  if (thrown instanceof Refusal) return thrown
  if (thrown instanceof BrokenCircuitError)
    return new Refusal('partner.circuit_open', `${name} has failed ${failuresInRow} times in a row`)
  if (thrown instanceof BulkheadRejectedError)
    return new Refusal('partner.overloaded', `as many calls of ${name} as may be are under way and waiting`)
  return undefined
}

/** The messages of these errors name a host and hold nothing that was sent or answered. */
const refusalOf = (error: OutboundError): Refusal => {
  if (error.kind === 'timeout') return new Refusal('partner.timeout', error.message, { cause: error })
  const isAnswer = error.kind === 'too_large' || error.kind === 'redirect'
  return new Refusal(isAnswer ? 'partner.invalid_answer' : 'partner.unavailable', error.message, { cause: error })
}
