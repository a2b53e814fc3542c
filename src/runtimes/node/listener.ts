import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { Server as NetServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { getRequestListener } from '@hono/node-server'
import type { Seconds } from '../../domain/time.ts'
import { listening } from './listening.ts'
import { isUnwelcome, serverTlsOptions, type TlsFiles, type TlsMaterial } from './tls.ts'

/** A port that answers. */
export interface Listener {
  readonly port: number
  /** Takes another certificate into use for new connections. Only where TLS is spoken. */
  renew(material: TlsMaterial): void
  /** Takes no new connection, lets what is in flight finish, for `grace` seconds at most. */
  close(grace: Seconds): Promise<void>
}

/** Serves a request on Node's own terms; false when it is not for it. */
export type Shortcut = (request: IncomingMessage, response: ServerResponse) => boolean

/** How long a sender may take, in milliseconds: who is slower than this is not a gateway. */
const headersTimeout = 10_000
const requestTimeout = 15_000
/** Longer than gateways keep idle connections, so that it is they who close them. */
const keepAliveTimeout = 75_000
/** What the larger gateways take, so that what is too large is refused in words that they understand. */
const maxHeaderSize = 65_536

/** What is served by the web platform's own means; `env` holds Node's, as @hono/node-server hands it over. */
export type Fetch = Parameters<typeof getRequestListener>[0]

/** How a port is opened. */
export interface ListenOptions {
  /** Takes requests before `fetch` does. */
  readonly shortcut?: Shortcut
  /** Speak TLS, with what these files hold. */
  readonly tls?: { readonly files: TlsFiles; readonly material: TlsMaterial }
}

/**
 * Listens on `host`:`port` (0: any free port) and hands requests to `fetch`, unless `shortcut` takes them.
 *
 * @throws Error naming the address when it is taken or not ours
 */
export const listen = async (
  fetch: Fetch,
  host: string,
  port: number,
  { shortcut = () => false, tls }: ListenOptions = {},
): Promise<Listener> => {
  const answer = getRequestListener(fetch)
  let leaving = false
  const server = serverFor(tls, (request, response) => {
    if (leaving) response.shouldKeepAlive = false
    if (!shortcut(request, response)) void answer(request, response)
  })
  return {
    port: await listening(server, host, port),
    renew(material) {
      if (tls !== undefined && 'setSecureContext' in server)
        server.setSecureContext(serverTlsOptions(material, tls.files))
    },
    close(grace) {
      leaving = true
      return closeServer(server, grace)
    },
  }
}

const limits = { headersTimeout, requestTimeout, keepAliveTimeout, maxHeaderSize }

const serverFor = (tls: ListenOptions['tls'], onRequest: RequestListener): Server | TlsServer => {
  const server = tls === undefined ? createServer(limits, onRequest) : tlsServerFor(tls, onRequest)
  // Node 22 would leave out what comes after the first thousand fields. `maxHeaderSize` bounds them all.
  server.maxHeadersCount = 0
  return server
}

const tlsServerFor = (
  { files, material }: NonNullable<ListenOptions['tls']>,
  onRequest: RequestListener,
): TlsServer => {
  const server = createTlsServer({ ...limits, ...serverTlsOptions(material, files) }, onRequest)
  server.on('secureConnection', (socket: TLSSocket) => {
    if (isUnwelcome(socket, files)) socket.destroy()
  })
  return server
}

/** How long callers have to hear, with the answer to their next request, that their connection will not be kept. */
const farewell: Seconds = 0.5

/**
 * Stops accepting, then closes connections as they become idle. Node's own `close` of an HTTP server would drop kept
 * connections at once, with the next request already on its way, so only the listening half of it is used.
 */
const closeServer = async (server: Server | TlsServer, grace: Seconds): Promise<void> => {
  const done = new Promise<void>((resolve) => {
    const resolved = () => resolve()
    // Bun's servers have no such half; there what is on its way when connections are dropped is lost.
    if (server instanceof NetServer) NetServer.prototype.close.call(server, resolved)
    else (server as Server).close(resolved)
  })
  await Promise.race([done, sleep(Math.min(farewell, grace) * 1_000)])
  const idle = setInterval(() => server.closeIdleConnections(), 20)
  const late = setTimeout(() => server.closeAllConnections(), grace * 1_000)
  await done
  clearInterval(idle)
  clearTimeout(late)
}
