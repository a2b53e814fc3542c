import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type * as z from 'zod'
import { type Cores, launcher, type Side } from './cores.ts'

/** A process of the bench. */
export interface Child {
  readonly pid: number
  /** Puts a question to a process that runs `answerQuestions`; throws when it fails, dies or is too slow. */
  ask<T>(question: string, input: unknown, answer: z.ZodType<T>): Promise<T>
  /** What it last wrote to its error output. */
  complaint(): string
  /** Undefined while it runs. */
  exitCode(): number | undefined
  stop(): Promise<void>
}

/** How to start one. */
export interface Command {
  readonly side: Side
  /** Absent: node. */
  readonly program?: string
  /** Its arguments; for node the script and its own. */
  readonly args: readonly string[]
  /** Does it run `answerQuestions`? dragoman does not, nor does any program that is not of the bench. */
  readonly answers: boolean
}

export type Start = (command: Command) => Child

/** No process outlives this. */
const lifetimeMilliseconds = 600_000
const answerMilliseconds = 60_000
const alive = new Set<ChildProcess>()

process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})

/** Runs `use` and stops every process that it started, also when it fails. */
export const withProcesses = async <T>(cores: Cores | undefined, use: (start: Start) => Promise<T>): Promise<T> => {
  const children: Child[] = []
  try {
    return await use((command) => {
      const child = startChild(cores, command)
      children.push(child)
      return child
    })
  } finally {
    await Promise.all(children.map((child) => child.stop()))
  }
}

const startChild = (cores: Cores | undefined, command: Command): Child => {
  const own = command.program ?? process.execPath
  const [program = own, ...args] = [...launcher(cores, command.side), own, ...command.args]
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe', ...(command.answers ? ['ipc' as const] : [])],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  alive.add(child)
  const end = setTimeout(() => child.kill('SIGKILL'), lifetimeMilliseconds).unref()
  child.once('exit', () => {
    alive.delete(child)
    clearTimeout(end)
  })
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4000)
  })
  return {
    pid: child.pid ?? 0,
    ask: (question, input, answer) => ask(child, question, input, answer, () => complaint),
    complaint: () => complaint,
    exitCode: () => child.exitCode ?? (child.signalCode === null ? undefined : 1),
    stop: () => stop(child),
  }
}

const ask = async <T>(
  child: ChildProcess,
  question: string,
  input: unknown,
  answer: z.ZodType<T>,
  complaint: () => string,
): Promise<T> => {
  if (!child.connected) throw new Error(`a process ended before it was asked '${question}': ${complaint()}`)
  const done = new AbortController()
  const { signal } = done
  const replied = once(child, 'message', { signal })
  const lost = once(child, 'exit', { signal }).then(() => {
    throw new Error(`a process ended before it answered '${question}': ${complaint()}`)
  })
  const late = sleep(answerMilliseconds, undefined, { signal }).then(() => {
    throw new Error(`'${question}' was not answered within ${answerMilliseconds} ms`)
  })
  try {
    child.send({ question, input })
    const [reply]: unknown[] = await Promise.race([replied, lost, late])
    return answer.parse(reply)
  } finally {
    const settled = Promise.allSettled([replied, lost, late])
    done.abort()
    await settled
  }
}

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), 2000)
  await gone
  clearTimeout(force)
}
