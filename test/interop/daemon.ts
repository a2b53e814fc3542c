import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasEnded } from '../world/child-process.ts'

/** Servers that the suites need, each started for one run and ended by its own id. */

export interface DaemonOptions {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  /** The file that its output goes to. */
  readonly log: string
  readonly environment?: Readonly<Record<string, string>>
  /** However it was started and left, it ends after this many seconds. */
  readonly longestLife: number
  /** It must be ready after this many seconds. */
  readonly longestStart: number
  readonly isReady: () => Promise<boolean>
}

export interface Daemon {
  /** Of the `timeout` that it runs below; both are one process group of this id. */
  readonly pid: number
  readonly stop: () => Promise<void>
}

/** A port of the loopback interface that was free a moment ago, for servers that cannot take port 0 and say which. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

/** Does `url` answer with success? */
export const answers = async (url: string): Promise<boolean> => {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) })
    return response.ok
  } catch {
    return false
  }
}

/** `timeout` ends it even when nobody is left to do so. */
const launch = ({ command, log, environment, longestLife }: DaemonOptions): ChildProcess => {
  const out = openSync(log, 'w')
  try {
    return spawn('timeout', ['--kill-after=10', String(longestLife), ...command], {
      detached: true,
      stdio: ['ignore', out, out],
      env: { ...process.env, ...environment },
    })
  } finally {
    closeSync(out)
  }
}

const ready = async (child: ChildProcess, { name, longestStart, isReady }: DaemonOptions): Promise<void> => {
  const deadline = performance.now() + longestStart * 1000
  while (!(await isReady())) {
    if (hasEnded(child)) throw new Error(`${name} ended while it started (${child.exitCode ?? child.signalCode})`)
    if (performance.now() > deadline) throw new Error(`${name} was not ready within ${longestStart} s`)
    await sleep(100)
  }
}

/** The whole group that was started here, by its id. */
const end = async (child: ChildProcess): Promise<void> => {
  if (child.pid === undefined) return
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!hasEnded(child)) process.kill(-child.pid, signal)
    for (let waited = 0; waited < 20_000 && !hasEnded(child); waited += 50) await sleep(50)
  }
}

/** Starts a server and waits until it is ready; throws the end of its log when it is not in time. */
export const startDaemon = async (options: DaemonOptions): Promise<Daemon> => {
  const child = launch(options)
  try {
    await once(child, 'spawn')
    await ready(child, options)
  } catch (error) {
    await end(child)
    throw new Error(`see ${options.log}:\n${readFileSync(options.log, 'utf8').slice(-4000)}`, { cause: error })
  }
  return { pid: child.pid ?? 0, stop: () => end(child) }
}
