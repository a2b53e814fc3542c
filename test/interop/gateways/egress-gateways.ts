import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { callRaw } from '../../../src/cli/doctor-call.ts'
import { freePort, startDaemon } from '../daemon.ts'
import { filled } from '../filled.ts'
import { type EgressDialect, gatewayName, secretHeader } from './egress-documents.ts'
import type { RunningGateway } from './gateways.ts'
import type { Programs } from './installation.ts'
import { gatewaySecret } from './secret.ts'

/** Real gateways at the way out. No snippet configures them: `dragoman gateway snippet` prints those of the way in. */

export interface EgressPlace {
  /** An empty folder of its own. */
  readonly folder: string
  /** Ports of the loopback interface: dragoman over HTTP and over gRPC, and the server of the partners. */
  readonly dragoman: number
  readonly dragomanGrpc: number
  readonly partner: number
  /** A PEM file: who vouches for the partners. */
  readonly authorities: string
}

type Command = readonly [string, ...string[]]

const nginx = ({ nginx: program }: Programs, folder: string, configuration: string): Command => [
  program,
  '-e',
  'stderr',
  '-p',
  folder,
  '-c',
  configuration,
]

const envoy = ({ envoy: program }: Programs, _folder: string, configuration: string): Command => {
  const options = ['--concurrency', '1', '--disable-hot-restart', '--log-level', 'warning']
  return [program, '-c', configuration, ...options]
}

const kinds = {
  nginx: { base: 'nginx.conf', port: 'nginxPort', command: nginx },
  'envoy-http': { base: 'envoy.yaml', port: 'envoyHttpPort', command: envoy },
  'envoy-grpc': { base: 'envoy.yaml', port: 'envoyGrpcPort', command: envoy },
} as const

const answers = async (port: number): Promise<boolean> => {
  const request = 'GET / HTTP/1.1\r\nHost: ready.example\r\nConnection: close\r\n\r\n'
  const reply = await callRaw({ host: '127.0.0.1', port }, request, 5000).catch(() => 'closed' as const)
  return typeof reply === 'object'
}

/** Starts a gateway that asks in `dialect` on a free port, and waits until it answers. */
export const startEgressGateway = async (
  dialect: EgressDialect,
  programs: Programs,
  place: EgressPlace,
): Promise<RunningGateway> => {
  const { base, port: own, command } = kinds[dialect]
  const { folder } = place
  const ports = { nginxPort: await freePort(), envoyHttpPort: await freePort(), envoyGrpcPort: await freePort() }
  const values = { ...place, ...ports, gateway: gatewayName, secretHeader, secret: gatewaySecret }
  mkdirSync(folder, { recursive: true })
  const configuration = join(folder, base)
  writeFileSync(configuration, filled(new URL(`egress-bases/${base}`, import.meta.url), values))
  const port = ports[own]
  const daemon = await startDaemon({
    name: dialect,
    command: command(programs, folder, configuration),
    log: join(folder, 'gateway.log'),
    longestLife: 900,
    longestStart: 60,
    isReady: () => answers(port),
  })
  return { ...daemon, port }
}
