import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from './doctor-call.ts'
import type { Arrival } from './doctor-echo.ts'
import type { Outcome, Shot } from './doctor-expectations.ts'
import type { Gateway } from './doctor-gateway.ts'
import { CommandError } from './exit-codes.ts'

/** Waiting until the gateway has a route to us. */

export interface FirstArrival {
  readonly arrival: Arrival
  readonly answer: Answer | undefined
}

const pause = 1_000

/** Sends a good request again and again until one comes through; throws what is wrong when none does in time. */
export const firstArrival = async (
  gateway: Gateway,
  good: Shot,
  { seconds, hasCredential }: { readonly seconds: number; readonly hasCredential: boolean },
): Promise<FirstArrival> => {
  const deadline = performance.now() + seconds * 1_000
  for (;;) {
    const outcome = await gateway.fire(good)
    const [arrival] = outcome.kind === 'arrived' ? outcome.arrivals : []
    if (outcome.kind === 'arrived' && arrival !== undefined) return { arrival, answer: outcome.answer }
    if (!hasCredential && isForLackOfOne(outcome)) throw new CommandError(wantsCredential(outcome))
    if (isFinal(outcome)) throw new CommandError(`the gateway cannot be asked: ${adviceOn(outcome, gateway)}`)
    if (performance.now() + pause > deadline)
      throw new CommandError(`nothing came to the echo service within ${seconds} s: ${adviceOn(outcome, gateway)}`)
    await sleep(pause)
  }
}

const statusOf = (outcome: Outcome): number | undefined => (outcome.kind === 'turned away' ? outcome.status : undefined)

const isForLackOfOne = (outcome: Outcome): boolean => [401, 403].includes(statusOf(outcome) ?? 0)

const isFinal = (outcome: Outcome): boolean => outcome.kind === 'unknown' && outcome.isFinal === true

const wantsCredential = (outcome: Outcome): string =>
  `the gateway answers ${statusOf(outcome)} to a request without a credential, as it should; to see what it passes on, the doctor needs one: --token-env NAME or --token @FILE, or --cert and --key`

const adviceOn = (outcome: Outcome, { echo }: Gateway): string => {
  if (outcome.kind === 'unknown') return outcome.why
  const status = statusOf(outcome)
  if (status === undefined) return 'the gateway ends the connection without an answer'
  const place = `${echo.host}:${echo.port}`
  if (status === 401 || status === 403)
    return `the gateway answers ${status}: it does not accept the credential, and \`dragoman explain\` says why; or no route of the Gateway document fits`
  if (status === 404) return `the gateway answers 404: no route of it leads to ${place}`
  if (status === 500) return 'the gateway answers 500: is dragoman there, and does it answer this gateway?'
  if (status > 501)
    return `the gateway answers ${status}: it does not reach ${place}; from a container it needs --bind 0.0.0.0 and this machine's address`
  return `the gateway answers ${status}`
}
