import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The cores of this run; undefined when they cannot be told apart (one core, or no taskset). */
export interface Cores {
  readonly server: number
  readonly load: number
}

/** Where a process of the bench runs: what is measured on one core, all else on another, preparations on both. */
export type Side = 'server' | 'load' | 'both'

/** Picks the first allowed core for load and the second for servers. */
export const pickCores = (): Cores | undefined => {
  const [load, server] = allowedCores()
  return load === undefined || server === undefined || !hasCommand('taskset') ? undefined : { server, load }
}

/** Moves this process, which only waits and polls, off the servers' core. */
export const stepAside = (cores: Cores): void => {
  spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', listOf(cores, 'load'), String(process.pid)])
}

/**
 * What to put before a command so that it runs on its core and ends with its parent, whatever kills that. Both are
 * programs that become the command, so the pid is the command's own.
 */
export const launcher = (cores: Cores | undefined, side: Side): readonly string[] => [
  ...(hasCommand('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : []),
  ...(cores === undefined ? [] : ['taskset', '--cpu-list', listOf(cores, side)]),
]

const listOf = (cores: Cores, side: Side): string =>
  side === 'both' ? `${cores.load},${cores.server}` : String(cores[side])

const allowedCores = (): readonly number[] => {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

const hasCommand = (name: string): boolean => spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined
