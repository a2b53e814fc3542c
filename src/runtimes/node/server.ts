import { type Desk, prefetch } from '../../desk.ts'
import { envoyGrpc } from '../../gateways/envoy-grpc.ts'
import { createAdminApp } from '../../http/admin.ts'
import { createApp } from '../../http/app.ts'
import { importKeyring } from '../../mint/keyring.ts'
import { newStoredKey } from '../../mint/stored-key.ts'
import type { Ports } from '../../ports/ports.ts'
import { type Admission, createAdmission, usualMaxInFlight } from './admission.ts'
import { callerOf } from './caller.ts'
import { composePorts, deploymentOf, openAudit, openState } from './composition.ts'
import { openDocuments } from './documents-in-force.ts'
import type { GrpcListener } from './grpc-listener.ts'
import { readKeys, writeKey } from './key-folder.ts'
import { watchKeys } from './key-watch.ts'
import { type Listener, listen, type Shortcut } from './listener.ts'
import { deskOf, type Live } from './live.ts'
import { createNodeMeters, type NodeMeters } from './meters.ts'
import { createNodePulse } from './platform.ts'
import { requireSupported, runtimeName } from './runtime-limits.ts'
import type { ServerOptions } from './server-options.ts'
import { shortcutTo } from './shortcut.ts'
import { readTls, watchTls } from './tls.ts'

export interface RunningServer {
  readonly url: string
  readonly adminUrl: string
  /** Where gateways ask over gRPC; absent: nowhere. */
  readonly grpcPort?: number
  readonly issuer: string
  desk(): Desk
  /** Finishes what is in flight, then closes everything. */
  stop(): Promise<void>
}

/** How long a stop waits for requests in flight, and a start for issuers' keys, in seconds. */
const grace = 10
const prefetchPatience = 2

/**
 * Composes the ports on Node, loads documents and keys, and serves. A change of either is taken over while it runs.
 *
 * @throws FaultyDocuments; Error when a port is taken, a key cannot be used, or the state cannot be opened
 */
export const startServer = async (options: ServerOptions): Promise<RunningServer> => {
  const opened: Closing[] = []
  try {
    return await start(options, opened)
  } catch (cause) {
    await closeAll(opened)
    throw cause
  }
}

/** Closes one thing that was opened. */
type Closing = () => void | Promise<void>

/** What was opened last is closed first, so that nothing loses what it stands on. */
const closeAll = async (opened: readonly Closing[]): Promise<void> => {
  for (const close of opened.toReversed()) await close()
}

const start = async (options: ServerOptions, opened: Closing[]): Promise<RunningServer> => {
  requireSupported(options, runtimeName(process.versions))
  const live: Live = { stopping: false }
  const state = await openState(options.state, options.log)
  opened.push(() => state.close())
  const audit = openAudit(options.audit)
  opened.push(() => audit.close())
  const meters = createNodeMeters()
  const ports = composePorts(options, state, audit.log, meters, live)
  const keys = await openKeys(options, ports, live)
  opened.push(() => keys.close())
  const admin = await openAdmin(options, meters, live)
  opened.push(() => admin.close(1))
  const admission = createAdmission({
    maxInFlight: options.maxInFlight ?? usualMaxInFlight,
    pulse: createNodePulse(),
    log: options.log,
  })
  const listener = await openPublic(options, live, admission)
  opened.push(() => listener.close(grace))
  const grpc = await openGrpcIfAsked(options, live, admission)
  opened.push(async () => grpc?.close(grace))
  const renewal = await renewTls(options, grpc === undefined ? [listener] : [listener, grpc])
  opened.push(() => renewal.close())
  const url = urlOf(options.tls === undefined ? 'http' : 'https', options.host, listener.port)
  const deployment = deploymentOf(options, options.issuer ?? url, ports, live)
  const documents = await openDocuments(options, deployment, live)
  opened.push(() => documents.close())
  warnOfGatewaysUnheard(options, live)
  await atMost(prefetchPatience, prefetch(deskOf(live)))
  return {
    url,
    adminUrl: urlOf('http', options.adminHost, admin.port),
    ...(grpc === undefined ? {} : { grpcPort: grpc.port }),
    issuer: deployment.issuer,
    desk: () => deskOf(live),
    stop() {
      live.stopping = true
      return closeAll(opened)
    },
  }
}

const openAdmin = (options: ServerOptions, meters: NodeMeters, live: Live): Promise<Listener> => {
  const app = createAdminApp(
    () => live.desk,
    () => live.stopping,
    () => meters.text(),
  )
  return listen(app.fetch, options.adminHost, options.adminPort)
}

const openPublic = async (options: ServerOptions, live: Live, admission: Admission): Promise<Listener> => {
  const desk = () => deskOf(live)
  const direct = shortcutTo(desk, admission)
  const shortcut: Shortcut = (request, response) =>
    live.desk === undefined ? notYet(request, response) : direct(request, response)
  const tls = options.tls === undefined ? {} : { tls: { files: options.tls, material: await readTls(options.tls) } }
  return listen(createApp(desk, callerOf).fetch, options.host, options.port, { shortcut, ...tls })
}

/** The libraries of gRPC are loaded by those who want it. */
const openGrpcIfAsked = async (
  options: ServerOptions,
  live: Live,
  admission: Admission,
): Promise<GrpcListener | undefined> => {
  if (options.grpcPort === undefined) return undefined
  const { openGrpc } = await import('./grpc.ts')
  return openGrpc(options, options.grpcPort, live, admission)
}

/** A gateway that speaks gRPC and finds no port lets nobody through, and it is hard to see from there why. */
const warnOfGatewaysUnheard = ({ grpcPort, log }: ServerOptions, live: Live): void => {
  const names = deskOf(live)
    .gateways.all.filter(({ decisions, departures }) => (decisions ?? departures)?.dialect === envoyGrpc)
    .map(({ name }) => name)
  if (grpcPort === undefined && names.length > 0)
    log.warn('gateways ask over gRPC, and there is no port for them: --grpc-port', { gateways: names })
  if (grpcPort !== undefined && names.length === 0) log.warn('no Gateway document has the dialect envoy-grpc')
}

/** A new certificate is taken over while the server runs; one that cannot be used leaves the old one in place. */
const renewTls = async (
  { tls, log }: ServerOptions,
  listeners: readonly Pick<Listener, 'renew'>[],
): Promise<{ close(): void }> => {
  if (tls === undefined) return { close: () => undefined }
  return watchTls(
    tls,
    (material) => {
      for (const listener of listeners) listener.renew(material)
      log.info('the certificate of the listener has changed')
    },
    (because) => log.warn('the certificate of the listener stays as it was', { because }),
  )
}

/** The port is taken before the documents are read, since our issuer may be named after it. */
const notYet: Shortcut = (_request, response) => {
  response.writeHead(503, { 'retry-after': '1' }).end()
  return true
}

const urlOf = (scheme: 'http' | 'https', host: string, port: number) =>
  `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`

const atMost = (seconds: number, work: Promise<void>): Promise<void> => {
  const { promise: patience, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, seconds * 1_000)
  return Promise.race([work, patience]).finally(() => clearTimeout(timer))
}

const openKeys = async (options: ServerOptions, ports: Ports, live: Live): Promise<{ close(): void }> => {
  const now = ports.clock.now()
  if ((await readKeys(options.keys)).length === 0) {
    if (options.generateKey !== true)
      throw new Error(`no signing key in ${options.keys}; make one: dragoman keys generate --keys ${options.keys}`)
    await writeKey(options.keys, { ...(await newStoredKey('ES256', now, ports)), activeFrom: Math.floor(now) })
  }
  const stored = await readKeys(options.keys)
  live.keyring = await importKeyring(stored, ports.signatures)
  return watchKeys(options.keys, stored, {
    async changed(keys) {
      live.keyring = await importKeyring(keys, ports.signatures)
      options.log.info('the signing keys have changed', { keys: keys.length })
    },
    failed: (message) => options.log.warn('the signing keys stay as they were', { because: message }),
  })
}
