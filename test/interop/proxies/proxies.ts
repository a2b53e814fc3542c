import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Daemon, freePort, startDaemon } from '../daemon.ts'
import { filled } from '../filled.ts'
import type { Programs } from './installation.ts'

/** The proxies, each as the end of mutual TLS that passes the client's certificate on in its own way. */

export const proxyNames = ['nginx', 'haproxy', 'envoy'] as const

export type ProxyName = (typeof proxyNames)[number]

export interface ProxyOptions {
  /** An empty folder of its own, for its configuration and its log. */
  readonly folder: string
  /** PEM files: the proxy's own certificate and key, and the authorities that client certificates must lead to. */
  readonly certificate: string
  readonly key: string
  readonly clientAuthorities: string
  /** The port on the loopback interface that it passes requests on to: Envoy over TLS, the others in plain http. */
  readonly upstream: number
  /** A PEM file: who vouches for the upstream of Envoy, to which it shows its own certificate. */
  readonly upstreamAuthorities: string
}

export interface RunningProxy extends Daemon {
  readonly port: number
  readonly url: string
}

/** What nginx sends in `x-gateway-secret`. It guards nothing. */
export const gatewaySecret = 'the-gateway-of-the-test-world-32-characters'

/** Where HAProxy calls from. Everything else on this machine calls from 127.0.0.1. */
export const ownAddress = '127.0.0.2'

type Values = Readonly<Record<string, string | number>>

type Command = readonly [string, ...string[]]

const here = (file: string): URL => new URL(file, import.meta.url)

const write = (path: string, text: string): string => {
  writeFileSync(path, text)
  return path
}

const nginx = ({ nginx: program }: Programs, { folder }: ProxyOptions, values: Values): Command => {
  const configuration = write(join(folder, 'nginx.conf'), filled(here('nginx.conf'), values))
  return [program, '-e', 'stderr', '-p', folder, '-c', configuration]
}

/** HAProxy wants certificate and key in one file. */
const haproxy = ({ haproxy: program }: Programs, options: ProxyOptions, values: Values): Command => {
  const { folder, certificate, key } = options
  const pem = `${readFileSync(certificate, 'utf8')}\n${readFileSync(key, 'utf8')}`
  const certificateAndKey = write(join(folder, 'proxy.pem'), pem)
  const passChainOn = fileURLToPath(here('rfc9440-chain.lua'))
  const text = filled(here('haproxy.cfg'), { ...values, certificateAndKey, passChainOn })
  return [program, '-db', '-f', write(join(folder, 'haproxy.cfg'), text)]
}

const envoy = ({ envoy: program }: Programs, { folder }: ProxyOptions, values: Values): Command => {
  const configuration = write(join(folder, 'envoy.yaml'), filled(here('envoy.yaml'), values))
  return [program, '-c', configuration, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'warning']
}

const commandOf = { nginx, haproxy, envoy } as const

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

/** Starts the proxy `name` on a free port and waits until it listens. */
export const startProxy = async (name: ProxyName, programs: Programs, options: ProxyOptions): Promise<RunningProxy> => {
  const port = await freePort()
  const { folder } = options
  mkdirSync(folder, { recursive: true })
  const command = commandOf[name](programs, options, { ...options, port, secret: gatewaySecret, ownAddress })
  const log = join(folder, `${name}.log`)
  const isReady = () => accepts(port)
  const daemon = await startDaemon({ name, command, log, longestLife: 900, longestStart: 60, isReady })
  return { ...daemon, port, url: `https://127.0.0.1:${port}` }
}
