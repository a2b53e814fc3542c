/** Work on requests, gathered by the turns of the event loop in which they were read. */
export interface Turns {
  /** Serves a request, together with all others of its turn. */
  serve(work: () => void): void
  /** Turns a request away, in this turn or one of the next. False: so many are waiting that nobody will. */
  turnAway(work: () => void): boolean
}

type Work = () => void

/** To be turned away costs a third of being served, so few are in one turn: one for four who are served. */
const shareTurnedAway = 0.25
const leastTurnedAway = 16
const maxWaiting = 10_000

/**
 * Attends to the requests of one turn together, once all of them have been read: their answers are then written one after
 * the other, and whoever waits for several of them is woken once. That saves a fifth of the processor time of an answer
 * that was given before. Of those that are turned away few are told so in each turn; the rest wait, and so cannot ask
 * again at once.
 */
export const createTurns = (): Turns => {
  let served: Work[] = []
  const waiting: Work[] = []
  let isScheduled = false

  const turn = (): void => {
    const all = served
    served = []
    isScheduled = false
    for (const work of all) work()
    const farewells = waiting.splice(0, Math.max(leastTurnedAway, all.length * shareTurnedAway))
    for (const work of farewells) work()
    if (waiting.length > 0) schedule()
  }

  const schedule = (): void => {
    if (isScheduled) return
    isScheduled = true
    setImmediate(turn)
  }

  return {
    serve(work) {
      served.push(work)
      schedule()
    },
    turnAway(work) {
      if (waiting.length >= maxWaiting) return false
      waiting.push(work)
      schedule()
      return true
    },
  }
}
