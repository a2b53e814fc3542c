import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { callRaw } from '../../../src/cli/doctor-call.ts'
import { outputOf } from '../command.ts'
import { type Daemon, freePort, startDaemon } from '../daemon.ts'
import { filled } from '../filled.ts'
import { type Certificates, dragomanName, host, layCertificates } from './certificates.ts'
import { controllerConfiguration } from './ingress-nginx.ts'
import type { Programs } from './installation.ts'
import type { GatewayName } from './names.ts'
import { gatewaySecret } from './secret.ts'

/** Real gateways, configured by what `dragoman gateway snippet` prints for them. */

export interface GatewayPlace {
  /** An empty folder of its own. */
  readonly folder: string
  readonly certificates: Certificates
  /** Ports of the loopback interface: where it finds dragoman, over TLS, and the service. */
  readonly dragoman: number
  readonly service: number
}

export interface RunningGateway extends Daemon {
  readonly port: number
}

const dragoman = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

const snippet = (name: GatewayName, words: readonly string[]): Promise<string> =>
  outputOf(process.execPath, [dragoman, 'gateway', 'snippet', name, '--client-certificates', ...words])

/** The Gateway document that belongs to the snippet, as it is printed. */
export const documentOf = (name: GatewayName): Promise<string> => snippet(name, ['--document', '--host', host])

type Command = readonly [string, ...string[]]

/** Where it is started: the folder with what the snippet has written, its port, and that of the service. */
interface Site {
  readonly folder: string
  readonly port: number
  readonly service: number
}

interface Ready {
  readonly command: Command
  readonly environment?: Readonly<Record<string, string>>
}

const base = (file: string, values: Readonly<Record<string, string>>): string =>
  filled(new URL(`bases/${file}`, import.meta.url), values)

const write = (path: string, text: string): string => {
  writeFileSync(path, text)
  return path
}

const inEnvironment = { environment: { DRAGOMAN_GATEWAY_SECRET: gatewaySecret } }

/** How each is started in the folder where its snippet lies. */
const prepare: Readonly<Record<GatewayName, (programs: Programs, site: Site) => Ready>> = {
  nginx(programs, { folder }) {
    write(join(folder, 'gateway-secret.conf'), `proxy_set_header X-Gateway-Secret "${gatewaySecret}";\n`)
    const configuration = write(join(folder, 'nginx.conf'), base('nginx.conf', { folder }))
    return { command: nginx(programs, folder, configuration) }
  },
  'ingress-nginx'(programs, site) {
    const { folder } = site
    const text = controllerConfiguration(join(folder, 'ingress.yaml'), site)
    return { command: nginx(programs, folder, write(join(folder, 'nginx.conf'), text)) }
  },
  haproxy: (programs, { folder }) => ({
    command: [programs.haproxy, '-db', '-f', join(folder, 'haproxy.cfg')],
    ...inEnvironment,
  }),
  caddy(programs, { folder }) {
    copyFileSync(join(folder, 'Caddyfile'), join(folder, 'snippet.Caddyfile'))
    const configuration = write(join(folder, 'base.Caddyfile'), base('Caddyfile', { folder }))
    const command: Command = [programs.caddy, 'run', '--adapter', 'caddyfile', '--config', configuration]
    return { command, environment: { ...inEnvironment.environment, HOME: folder } }
  },
  traefik: (programs, { folder }) => ({ command: [programs.traefik, `--configFile=${join(folder, 'traefik.yaml')}`] }),
  'envoy-http': (programs, { folder }) => ({ command: envoy(programs, folder) }),
  'envoy-grpc': (programs, { folder }) => ({ command: envoy(programs, folder) }),
}

const nginx = (programs: Programs, folder: string, configuration: string): Command => [
  programs.nginx,
  '-e',
  'stderr',
  '-p',
  folder,
  '-c',
  configuration,
]

const envoy = (programs: Programs, folder: string): Command => {
  const options = ['--concurrency', '1', '--disable-hot-restart', '--log-level', 'warning']
  return [programs.envoy, '-c', join(folder, 'envoy.yaml'), ...options]
}

/** Does it answer for our host? Before it has its configuration Traefik listens all the same. */
const answers = async (port: number, { servers }: Certificates): Promise<boolean> => {
  const door = { host: '127.0.0.1', port, tls: { name: host, authorities: readFileSync(servers.certificate, 'utf8') } }
  try {
    const reply = await callRaw(door, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, 5000)
    return typeof reply === 'object' && reply.status !== 404
  } catch {
    return false
  }
}

/** Starts the gateway `name` on a free port and waits until it listens. */
export const startGateway = async (
  name: GatewayName,
  programs: Programs,
  place: GatewayPlace,
): Promise<RunningGateway> => {
  const { folder, certificates, dragoman: asked, service } = place
  const [port, luaPort] = [await freePort(), await freePort()]
  mkdirSync(folder, { recursive: true })
  layCertificates(folder, certificates)
  const places = ['--dragoman', `https://127.0.0.1:${asked}`, '--service', `127.0.0.1:${service}`]
  const listening = ['--listen', `127.0.0.1:${port}`, '--lua-port', String(luaPort), '--files', folder]
  const names = ['--server-name', dragomanName, '--host', host]
  await snippet(name, [...places, ...listening, ...names, '--dir', folder])
  const { command, environment = {} } = prepare[name](programs, { folder, port, service })
  const log = join(folder, 'gateway.log')
  const isReady = () => answers(port, certificates)
  const options = { name, command, log, environment, longestLife: 900, longestStart: 60, isReady }
  return { ...(await startDaemon(options)), port }
}

/** What the gateway in `folder` has said so far. */
export const logOf = (folder: string): string => readFileSync(join(folder, 'gateway.log'), 'utf8')
