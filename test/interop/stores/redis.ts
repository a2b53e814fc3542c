import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { ensurePrograms, outputOf } from '../command.ts'
import { type Daemon, freePort, startDaemon } from '../daemon.ts'

/** Redis from Debian, as the tests need it: servers of their own, in folders of their own. */

/** `redis-tools` has the client; the server's package would start one. */
export const installRedis = (): void => ensurePrograms({ 'redis-server': 'redis-server', 'redis-cli': 'redis-tools' })

export interface Redis extends Daemon {
  readonly port: number
  /** One command by its own client; what it printed. */
  readonly ask: (...words: readonly string[]) => Promise<string>
  /** Ends it as a power cut would, but for what the operating system still writes. */
  readonly kill: () => Promise<void>
  /** Another one in its place: same port, same folder. */
  readonly restart: () => Promise<Redis>
  /** While `work` runs it hangs: it takes connections, and answers nothing. */
  readonly whileHanging: (work: () => Promise<void>) => Promise<void>
}

export interface RedisOptions {
  readonly folder?: string
  readonly port?: number
  /** Lines of its configuration, as words of its command line. */
  readonly settings?: Readonly<Record<string, string>>
}

export const password = 'the-store-of-the-test-world'

const usual = { appendonly: 'yes', 'maxmemory-policy': 'noeviction', save: '' }

/** Starts one on a free port of the loopback interface. */
export const startRedis = async (options: RedisOptions = {}): Promise<Redis> => {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'dragoman-redis-'))
  const port = options.port ?? (await freePort())
  const settings = { bind: '127.0.0.1', port: String(port), dir: folder, ...usual, ...options.settings }
  const words = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const secret = options.settings?.['requirepass']
  const ask: Redis['ask'] = async (...asked) =>
    outputOf('redis-cli', [
      '-p',
      String(port),
      ...(secret === undefined ? [] : ['--no-auth-warning', '-a', secret]),
      ...asked,
    ])
  const daemon = await startDaemon({
    name: 'Redis',
    command: ['redis-server', ...words],
    log: join(folder, 'redis.log'),
    longestLife: 300,
    longestStart: 20,
    isReady: async () => {
      try {
        return (await ask('ping')).trim() === 'PONG'
      } catch {
        return false
      }
    },
  })
  const signal = async (name: NodeJS.Signals) => process.kill(await pidOf(ask), name)
  let pid = 0
  pid = await pidOf(ask)
  return {
    ...daemon,
    port,
    ask,
    async kill() {
      await signal('SIGKILL')
      await daemon.stop()
    },
    restart: () => startRedis({ ...options, folder, port }),
    async whileHanging(work) {
      process.kill(pid, 'SIGSTOP')
      try {
        await work()
      } finally {
        process.kill(pid, 'SIGCONT')
      }
    },
    async stop() {
      await daemon.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Of the server itself, which runs below a `timeout`. */
const pidOf = async (ask: Redis['ask']): Promise<number> =>
  Number(/process_id:(\d+)/.exec(await ask('info', 'server'))?.[1])
