import { readdirSync, readFileSync } from 'node:fs'

/**
 * CPU time in microseconds that all threads of a process have used so far. The kernel counts it in nanoseconds
 * (/proc/PID/task/TID/schedstat), which getrusage's ticks do not.
 */
export const cpuMicroseconds = (pid: number): number => {
  const threads = readdirSync(`/proc/${pid}/task`)
  return threads.reduce((sum, thread) => sum + threadNanoseconds(pid, thread), 0) / 1000
}

const threadNanoseconds = (pid: number, thread: string): number => {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
  } catch (error) {
    if (isGone(error)) return 0
    throw error
  }
}

/** A thread may end between the listing and the reading. */
const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')

/** Microseconds that a core has been busy, for whomever, since the machine started. Its tick is 10 ms. */
export const coreBusyMicroseconds = (core: number): number => {
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? ''
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = line.split(' ').map(Number)
  return (user + nice + system + irq + softIrq + steal) * 10_000
}
