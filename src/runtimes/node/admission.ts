import type { Log } from '../../ports/log.ts'

/** Who may come in. A request that may not is turned away before anything is done for it. */
export interface Admission {
  /** Takes a place; false: there is none. */
  enter(): boolean
  /** Gives the place back. */
  leave(): void
}

/** What is seen of the process, in milliseconds. */
export interface Pulse {
  now(): number
  /** How long it has not been waiting for anything to do, so far. */
  active(): number
}

export interface AdmissionSettings {
  /** The most requests that may be in progress, however fast they are. */
  readonly maxInFlight: number
  readonly pulse: Pulse
  readonly log: Log
}

/** How many requests may be in progress where nobody says. */
export const usualMaxInFlight = 4_096

/**
 * How long the process may take for the requests in progress, in milliseconds. Whoever comes just too late for them waits
 * twice as long, which is half of what Envoy waits.
 */
const budget = 50
/** Fewer than these are never turned away for taking long. */
const atLeast = 256
/** How often the limit is set, in milliseconds. */
const period = 100
/** The pace is taken from so many requests, or from those of so many milliseconds. */
const enough = 32
const longEnough = 1_000
/** Below this share of the time nobody has to wait for the processor. */
const busy = 0.9
/** How often operators hear of it, in milliseconds. */
const quiet = 10_000

/**
 * Admits as many requests at once as the process can answer in a twentieth of a second at the pace of the last moments: at
 * 100 microseconds each that is 500. Whoever comes beyond that would be answered when nobody waits any more. While the
 * processor has time left, those in progress wait for something else, and as many more may come.
 */
export const createAdmission = ({ maxInFlight, pulse, log }: AdmissionSettings): Admission => {
  const begun = { at: pulse.now(), active: pulse.active() }
  let inFlight = 0
  let turnedAway = 0
  let limit = maxInFlight
  let looked = begun
  let complainedAt = Number.NEGATIVE_INFINITY
  /** How many have been finished since the pace was taken, and the milliseconds that each of those before took. */
  let finished = 0
  let paced = begun
  let each = 0

  const takePace = (now: typeof begun): void => {
    // What was done while nobody asked, such as to start, says nothing of requests.
    const isIdle = finished === 0 && inFlight === 0
    if (!isIdle && finished < enough && (finished === 0 || now.at < paced.at + longEnough)) return
    const pace = isIdle ? each : (now.active - paced.active) / finished
    each = each === 0 ? pace : (each + pace) / 2
    paced = now
    finished = 0
  }

  const setLimit = (at: number): void => {
    const now = { at, active: pulse.active() }
    takePace(now)
    const room = Math.max(atLeast, Math.floor(budget / each))
    const isBusy = now.active - looked.active >= busy * (at - looked.at)
    limit = Math.min(maxInFlight, isBusy ? room : inFlight + room)
    looked = now
  }

  const complain = (at: number): void => {
    if (turnedAway === 0 || at < complainedAt + quiet) return
    log.warn('overload: requests were turned away', { requests: turnedAway, at_most: limit })
    complainedAt = at
    turnedAway = 0
  }

  return {
    enter() {
      const at = pulse.now()
      if (at >= looked.at + period) setLimit(at)
      const isAdmitted = inFlight < limit
      if (isAdmitted) inFlight += 1
      else turnedAway += 1
      complain(at)
      return isAdmitted
    },
    leave() {
      inFlight -= 1
      finished += 1
    },
  }
}
