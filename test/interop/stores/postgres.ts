import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { installPackages, must, outputOf } from '../command.ts'
import { type Daemon, freePort, startDaemon } from '../daemon.ts'
import { password } from './redis.ts'

/** PostgreSQL from Debian, as the tests need it: clusters of their own, in folders of their own. */

/** Debian 12's version; the package's own cluster is not used. */
const programs = '/usr/lib/postgresql/15/bin'

export const installPostgres = (): void => {
  if (!existsSync(join(programs, 'initdb'))) installPackages(['postgresql-15'])
}

export interface Postgres extends Daemon {
  readonly port: number
  readonly location: string
  readonly query: (text: string) => Promise<string>
  readonly kill: () => Promise<void>
  readonly restart: () => Promise<Postgres>
  readonly whileHanging: (work: () => Promise<void>) => Promise<void>
}

/** PostgreSQL does not run as root. */
const asPostgres = ['runuser', '-u', 'postgres', '--'] as const

interface PostgresOptions {
  readonly folder?: string
  readonly port?: number
  readonly settings?: readonly string[]
}

const made = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-postgres-'))
  must('giving a folder to postgres', 'chown', ['postgres', folder])
  const file = join(folder, 'password')
  must('writing a password', 'sh', ['-c', `printf %s "$1" > "$2"; chmod 644 "$2"`, 'sh', password, file])
  const options = ['-D', join(folder, 'data'), '-U', 'dragoman', '-A', 'scram-sha-256', `--pwfile=${file}`]
  must('making a cluster', asPostgres[0], [...asPostgres.slice(1), join(programs, 'initdb'), ...options])
  return folder
}

/** Starts one on a free port of the loopback interface. */
export const startPostgres = async (options: PostgresOptions = {}): Promise<Postgres> => {
  const folder = options.folder ?? made()
  const port = options.port ?? (await freePort())
  const location = `postgres://dragoman:${password}@127.0.0.1:${port}/postgres`
  const query = (text: string) => outputOf(join(programs, 'psql'), ['-At', location, '-c', text])
  const settings = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=']
  const words = [...settings, ...(options.settings ?? [])].flatMap((setting) => ['-c', setting])
  const daemon = await startDaemon({
    name: 'PostgreSQL',
    command: [...asPostgres, join(programs, 'postgres'), '-D', join(folder, 'data'), ...words],
    log: join(folder, 'postgres.log'),
    longestLife: 300,
    longestStart: 30,
    isReady: async () => {
      try {
        return (await query('select 1')).trim() === '1'
      } catch {
        return false
      }
    },
  })
  const pidFile = join(folder, 'data', 'postmaster.pid')
  const pid = Number((await outputOf('head', ['-1', pidFile])).trim())
  const everyProcess = async (): Promise<readonly number[]> => {
    const children = await outputOf('pgrep', ['-P', String(pid)]).catch(() => '')
    return [pid, ...children.split('\n').filter(Boolean).map(Number)]
  }
  /** While the first of them is stopped there come no more. */
  const signalAll = async (signal: NodeJS.Signals) => {
    process.kill(pid, 'SIGSTOP')
    for (const one of await everyProcess()) process.kill(one, signal)
  }
  return {
    ...daemon,
    port,
    location,
    query,
    async kill() {
      await signalAll('SIGKILL')
      // Its parent must see its end: as a zombie of nobody it would be taken for a server that still runs.
      await sleep(200)
      await daemon.stop()
      rmSync(pidFile, { force: true })
    },
    restart: () => startPostgres({ ...options, folder, port }),
    async whileHanging(work) {
      await signalAll('SIGSTOP')
      try {
        await work()
      } finally {
        await signalAll('SIGCONT')
      }
    },
    async stop() {
      await daemon.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
