import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Issued } from '../certificates/toolkit.ts'
import { run } from '../command.ts'
import { type Daemon, freePort, startDaemon } from '../daemon.ts'
import { filled } from '../filled.ts'

/** A SPIRE server as its commands find it, and its bundle endpoint as other trust domains do. */
export interface SpireServer {
  readonly trustDomain: string
  /** The program, which also is its command line. */
  readonly program: string
  /** The socket of its own API. */
  readonly socket: string
  readonly port: number
  /** The federation bundle endpoint. */
  readonly bundleUrl: string
}

/** How its bundle endpoint shows who it is: by its own X509-SVID, or by a certificate for TLS servers. */
export type BundleProfile = 'https_spiffe' | { readonly certificate: string; readonly key: string }

export interface SpireServerOptions {
  readonly trustDomain: string
  readonly keyType: 'ec-p256' | 'ec-p384' | 'rsa-2048'
  readonly profile: BundleProfile
  /** The file of the only authority, in PEM, whose certificates of the web it believes; by default those of the system. */
  readonly webAuthority?: string
  /** An authority above its own, so that SVIDs come with an intermediate; without one its own is what is believed. */
  readonly upstream?: Issued
  /** A folder of its own; the path of a socket in it must not be longer than 107 octets. */
  readonly folder: string
  readonly log: string
}

const profileBlock = (profile: BundleProfile): string => {
  if (profile === 'https_spiffe') return 'profile "https_spiffe" {}'
  const files = `cert_file_path = "${profile.certificate}" key_file_path = "${profile.key}" file_sync_interval = "1h"`
  return `profile "https_web" { serving_cert_file { ${files} } }`
}

const upstreamBlock = ({ certificate, key }: Issued): string =>
  `UpstreamAuthority "disk" { plugin_data { cert_file_path = "${certificate}" key_file_path = "${key}" } }`

/** Starts the server whose program is in the folder `programs`, and waits until it is healthy. */
export const startSpireServer = async (
  programs: string,
  options: SpireServerOptions,
): Promise<SpireServer & Daemon> => {
  const { trustDomain, keyType, webAuthority, upstream, folder, log } = options
  const program = join(programs, 'spire-server')
  const [port, bundlePort] = [await freePort(), await freePort()]
  mkdirSync(folder, { recursive: true })
  const upstreamAuthority = upstream === undefined ? '' : upstreamBlock(upstream)
  const values = {
    trustDomain,
    keyType,
    folder,
    port,
    bundlePort,
    upstreamAuthority,
    profile: profileBlock(options.profile),
  }
  const configuration = join(folder, 'server.conf')
  writeFileSync(configuration, filled(new URL('server.conf', import.meta.url), values))
  const socket = join(folder, 'server.sock')
  const daemon = await startDaemon({
    name: `the SPIRE server of ${trustDomain}`,
    command: [program, 'run', '-config', configuration],
    log,
    environment: webAuthority === undefined ? {} : { SSL_CERT_FILE: webAuthority },
    longestLife: 1500,
    longestStart: 60,
    isReady: async () => run(program, ['healthcheck', '-socketPath', socket]).ok,
  })
  return { ...daemon, trustDomain, program, socket, port, bundleUrl: `https://127.0.0.1:${bundlePort}` }
}
