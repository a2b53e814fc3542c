import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { programOf } from '../../runtimes/programs.ts'
import { outputOf } from '../command.ts'
import { type Daemon, freePort, startDaemon } from '../daemon.ts'
import { filled } from '../filled.ts'
import { host } from './certificates.ts'
import { gatewaySecret } from './secret.ts'

/** Gateways whose snippet is a function: Cloudflare's runs in workerd, that of Amazon API Gateway in Node. */

const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

/** Writes all files of a snippet into `folder`. */
export const writeSnippet = async (name: 'aws-lambda' | 'cloudflare', folder: string): Promise<void> => {
  mkdirSync(folder, { recursive: true })
  const words = ['gateway', 'snippet', name, '--client-certificates', '--host', host, '--dir', folder]
  await outputOf(process.execPath, [main, ...words])
}

export interface WorkerPlace {
  /** Where the snippet was written. */
  readonly folder: string
  readonly dragoman: string
  readonly service: string
}

export interface RunningWorker extends Daemon {
  readonly port: number
}

/** Starts the Worker of the snippet in workerd, in plain http. */
export const startWorker = async ({ folder, dragoman, service }: WorkerPlace): Promise<RunningWorker> => {
  const port = await freePort()
  const configuration = join(folder, 'config.capnp')
  const values = { port, dragoman, service, secret: gatewaySecret }
  writeFileSync(configuration, filled(new URL('bases/workerd.capnp', import.meta.url), values))
  const daemon = await startDaemon({
    name: 'workerd',
    command: [programOf('workerd').command, 'serve', configuration],
    log: join(folder, 'worker.log'),
    longestLife: 600,
    longestStart: 60,
    isReady: () => isThere(port),
  })
  return { ...daemon, port }
}

const isThere = async (port: number): Promise<boolean> => {
  try {
    await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5_000) })
    return true
  } catch {
    return false
  }
}
