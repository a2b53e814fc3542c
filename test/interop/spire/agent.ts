import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../command.ts'
import { type Daemon, startDaemon } from '../daemon.ts'
import { filled } from '../filled.ts'
import { bundleOf, joinToken } from './commands.ts'
import type { SpireServer } from './server.ts'

/** A SPIRE agent as workloads find it. */
export interface SpireAgent {
  /** The program, which also is a client of the Workload API. */
  readonly program: string
  /** The socket of the Workload API. */
  readonly socket: string
}

export interface SpireAgentOptions {
  /** A folder of its own; the path of a socket in it must not be longer than 107 octets. */
  readonly folder: string
  readonly log: string
}

/**
 * Starts an agent whose program is in the folder `programs`. When this resolves it has joined `server`, and has an
 * X.509-SVID for this process, which must have been registered.
 */
export const startSpireAgent = async (
  programs: string,
  server: SpireServer,
  { folder, log }: SpireAgentOptions,
): Promise<SpireAgent & Daemon> => {
  const program = join(programs, 'spire-agent')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'bundle.pem'), await bundleOf(server, 'pem'))
  const { trustDomain, port } = server
  const values = { trustDomain, port, folder, joinToken: await joinToken(server) }
  const configuration = join(folder, 'agent.conf')
  writeFileSync(configuration, filled(new URL('agent.conf', import.meta.url), values))
  const socket = join(folder, 'agent.sock')
  const daemon = await startDaemon({
    name: `the SPIRE agent of ${trustDomain}`,
    command: [program, 'run', '-config', configuration],
    log,
    longestLife: 1500,
    longestStart: 60,
    isReady: async () => run(program, ['api', 'fetch', 'x509', '-silent', '-socketPath', socket]).ok,
  })
  return { ...daemon, program, socket }
}
