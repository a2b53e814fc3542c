import type { Desk } from '../../desk.ts'
import { envoyGrpc } from '../../gateways/envoy-grpc.ts'
import { createAdminApp } from '../../http/admin.ts'
import { createApp } from '../../http/app.ts'
import { type Admission, createAdmission, usualMaxInFlight } from './admission.ts'
import { callerOf } from './caller.ts'
import type { GrpcListener } from './grpc-listener.ts'
import { type Closing, closeAll, openInside, wholly } from './inside.ts'
import { type Listener, listen, type Shortcut } from './listener.ts'
import { deskOf, type Live } from './live.ts'
import type { NodeMeters } from './meters.ts'
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

/** How long a stop waits for requests in flight, in seconds. */
const grace = 10

/**
 * Composes the ports on Node, loads documents and keys, and serves. A change of either is taken over while it runs.
 *
 * @throws FaultyDocuments; Error when a port is taken, a key cannot be used, or the state cannot be opened
 */
export const startServer = (options: ServerOptions): Promise<RunningServer> =>
  wholly((opened) => start(options, opened))

const start = async (options: ServerOptions, opened: Closing[]): Promise<RunningServer> => {
  requireSupported(options, runtimeName(process.versions))
  const inside = await openInside(options, opened)
  const { live, meters } = inside
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
  const issuer = options.issuer ?? url
  await inside.putIntoForce(issuer)
  warnOfGatewaysUnheard(options, live)
  return {
    url,
    adminUrl: urlOf('http', options.adminHost, admin.port),
    ...(grpc === undefined ? {} : { grpcPort: grpc.port }),
    issuer,
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
