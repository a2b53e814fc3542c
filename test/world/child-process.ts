import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import * as z from 'zod'

/** How long a child may take to become ready, to answer a message or to end, in milliseconds. */
export const patience = 20_000

/** Resolves as `work` does; rejects with `what` when it takes longer than `milliseconds`. */
export const within = async <T>(milliseconds: number, what: string, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${milliseconds} ms`)), milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Has it ended, however? */
export const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/**
 * Sends `signal` to this one process and waits until it has ended; a process that does not end in time is killed.
 * Returns how it ended.
 */
export const stopped = async (
  child: ChildProcess,
  signal: NodeJS.Signals = 'SIGTERM',
  milliseconds = patience,
): Promise<{ code: number | null; signal: NodeJS.Signals | null }> => {
  if (!hasEnded(child)) {
    const end = once(child, 'exit')
    child.kill(signal)
    try {
      await within(milliseconds, `process ${child.pid} after ${signal}`, end)
    } catch {
      child.kill('SIGKILL')
      await end
    }
  }
  return { code: child.exitCode, signal: child.signalCode }
}

/** A child that answers one message with one message. */
export interface Conversation<Question, Ready> {
  readonly ready: Ready
  /** Rejects with the child's own words when it could not do what was asked. */
  readonly ask: (question: Question) => Promise<unknown>
  readonly stop: () => Promise<void>
}

const numbered = z.object({ id: z.number(), question: z.unknown() })
const answered = z.object({ id: z.number(), result: z.unknown().optional(), error: z.string().optional() })

/** Starts the TypeScript file `entry` as a Node process of its own and waits for its first message, which says it is ready. */
export const converse = async <Question, Ready>(
  entry: URL,
  readiness: z.ZodType<Ready>,
): Promise<Conversation<Question, Ready>> => {
  const child = fork(entry, { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let complaints = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4000)
  })
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${entry.pathname} ended: ${complaints}`)
  })
  ended.catch(() => undefined)
  try {
    const [message] = await within(patience, entry.pathname, Promise.race([once(child, 'message'), ended]))
    return { ready: readiness.parse(message), ask: asker(child, ended), stop: async () => void (await stopped(child)) }
  } catch (error) {
    await stopped(child, 'SIGKILL')
    throw error
  }
}

const asker = (child: ChildProcess, ended: Promise<never>) => {
  const waiting = new Map<number, (answer: z.infer<typeof answered>) => void>()
  let last = 0
  child.on('message', (message) => {
    const answer = answered.parse(message)
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  return async (question: unknown): Promise<unknown> => {
    last += 1
    const id = last
    const reply = new Promise<z.infer<typeof answered>>((resolve) => {
      waiting.set(id, resolve)
    })
    child.send({ id, question })
    const answer = await within(patience, 'an answer from the child', Promise.race([reply, ended]))
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.result
  }
}

/** The child's side of `converse`: says that it is ready, then answers questions until the parent is gone. */
export const answerParent = (ready: unknown, answer: (question: unknown) => Promise<unknown>): void => {
  process.on('message', (message) => {
    const { id, question } = numbered.parse(message)
    answer(question).then(
      (result) => process.send?.({ id, result }),
      (error: unknown) => process.send?.({ id, error: String(error) }),
    )
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.(ready)
}
