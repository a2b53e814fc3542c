import * as z from 'zod'
import { answerer, answerQuestions } from './answer-questions.ts'
import { exchangeTarget, requestsFor } from './exchange-request.ts'
import { type Connection, openConnection } from './http-connection.ts'
import { tokensIn } from './subject-tokens.ts'

/** The process that makes the requests. All that is dear is done in `arm`; `fire` only writes, reads and counts. */

const load = z.object({ poolFile: z.string() })
/** `count` tokens of the pool, from `first` on. */
const arm = exchangeTarget.extend({ first: z.number(), count: z.number(), connections: z.number() })
const fire = z.object({
  seconds: z.number(),
  repeat: z.boolean(),
  /** Answers of an overloaded server are to be expected; they do not count. */
  overloads: z.boolean(),
})

const ready: { requests: readonly string[]; connections: readonly Connection[] } = { requests: [], connections: [] }
let tokens: readonly string[] = []

const armFor = async (order: z.infer<typeof arm>): Promise<void> => {
  const chosen = tokens.slice(order.first, order.first + order.count)
  if (chosen.length < order.count) throw new Error('the pool of subject tokens is spent')
  ready.requests = chosen.map(requestsFor(order))
  ready.connections = await Promise.all(Array.from({ length: order.connections }, () => openConnection(order.port)))
}

/**
 * Keeps one request in flight on each connection for `seconds`, or until the requests are spent where they may not be
 * repeated. Any answer but 200 ends it, unless the server is to be overloaded: figures over refusals would say nothing.
 */
const fireFor = async ({ seconds, repeat, overloads }: z.infer<typeof fire>): Promise<{ operations: number }> => {
  const { requests, connections } = ready
  const until = performance.now() + seconds * 1000
  let sent = 0
  const next = (): string | undefined => {
    const spent = !repeat && sent === requests.length
    if (spent || performance.now() >= until) return undefined
    sent += 1
    return requests[(sent - 1) % requests.length]
  }
  const answered = await Promise.all(connections.map((connection) => keepBusy(connection, next, overloads)))
  return { operations: answered.reduce((sum, count) => sum + count, 0) }
}

const keepBusy = async (
  connection: Connection,
  next: () => string | undefined,
  overloads: boolean,
): Promise<number> => {
  let answered = 0
  for (let request = next(); request !== undefined; request = next()) {
    const { status, bytes } = await connection.exchange(request)
    if (status === 200) answered += 1
    else if (!overloads || status !== 503) throw new Error(bytes.toString('latin1').slice(0, 600))
  }
  return answered
}

const disarm = (): void => {
  for (const connection of ready.connections) connection.close()
  ready.connections = []
  ready.requests = []
}

answerQuestions({
  load: answerer(load, ({ poolFile }) => {
    tokens = tokensIn(poolFile)
  }),
  arm: answerer(arm, armFor),
  fire: answerer(fire, fireFor),
  disarm: answerer(z.unknown(), disarm),
})
