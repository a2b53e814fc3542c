import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, Server as NetServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import type { Seconds } from '../../domain/time.ts'

/** A port that answers. */
export interface Listener {
  readonly port: number
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
const maxHeaderSize = 16_384

/**
 * Listens on `host`:`port` (0: any free port) and hands requests to `fetch`, unless `shortcut` takes them.
 *
 * @throws Error naming the address when it is taken or not ours
 */
export const listen = async (
  fetch: (request: Request) => Response | Promise<Response>,
  host: string,
  port: number,
  shortcut: Shortcut = () => false,
): Promise<Listener> => {
  const answer = getRequestListener(fetch)
  let leaving = false
  const server = createServer(
    { headersTimeout, requestTimeout, keepAliveTimeout, maxHeaderSize },
    (request, response) => {
      if (leaving) response.shouldKeepAlive = false
      if (!shortcut(request, response)) void answer(request, response)
    },
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new Error(`cannot listen on ${host}:${port}: ${codeOf(cause)}`, { cause })))
    server.listen({ host, port }, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close(grace) {
      leaving = true
      return closeServer(server, grace)
    },
  }
}

const codeOf = (cause: Error): string => ('code' in cause ? String(cause.code) : cause.message)

/** How long callers have to hear, with the answer to their next request, that their connection will not be kept. */
const farewell: Seconds = 0.5

/**
 * Stops accepting, then closes connections as they become idle. Node's own `close` of an HTTP server would drop kept
 * connections at once, with the next request already on its way, so only the listening half of it is used.
 */
const closeServer = async (server: Server, grace: Seconds): Promise<void> => {
  const done = new Promise<void>((resolve) => {
    NetServer.prototype.close.call(server, () => resolve())
  })
  await Promise.race([done, sleep(Math.min(farewell, grace) * 1_000)])
  const idle = setInterval(() => server.closeIdleConnections(), 20)
  const late = setTimeout(() => server.closeAllConnections(), grace * 1_000)
  await done
  clearInterval(idle)
  clearTimeout(late)
}
