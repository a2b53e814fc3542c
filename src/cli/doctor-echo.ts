import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Header } from './doctor-call.ts'
import { CommandError, exitCodes } from './exit-codes.ts'

/** A request as it came out of the gateway. */
export interface Arrival {
  readonly method: string
  /** The request target as it was written. */
  readonly target: string
  /** Line by line, in the spelling in which they came. */
  readonly headers: readonly Header[]
}

/** The service behind the gateway. It keeps what came under an id of this run, and nothing of anybody else's. */
export interface Echo {
  readonly host: string
  readonly port: number
  arrivalsOf(id: string): readonly Arrival[]
  stop(): Promise<void>
}

/** The header that names the request, for gateways that rewrite paths. */
export const idHeader = 'X-Doctor-Request'

/** Kept of one id: a gateway that retries sends it more than once. */
const maxOfOne = 4

/**
 * Starts it. Of a request whose path or header has an id that `isOurs` knows, it keeps the lines, however odd: services
 * are not all strict. It shows nothing of them in its answer.
 */
export const startEcho = async (isOurs: (id: string) => boolean, host: string, port: number): Promise<Echo> => {
  const kept = new Map<string, Arrival[]>()
  const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
    incoming.resume()
    const id = idsIn(incoming).find(isOurs)
    if (id !== undefined) {
      const arrivals = kept.get(id) ?? []
      if (arrivals.length < maxOfOne) kept.set(id, [...arrivals, arrivalOf(incoming)])
    }
    const headers = { 'content-type': 'text/plain', 'cache-control': 'no-store' }
    response.writeHead(id === undefined ? 404 : 200, headers).end('dragoman doctor\n')
  }
  const limits = { maxHeaderSize: 262_144, headersTimeout: 10_000, requestTimeout: 10_000 }
  const server = createServer({ insecureHTTPParser: true, ...limits }, answer)
  server.maxConnections = 64
  server.maxHeadersCount = 0
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new CommandError(`the echo service cannot listen on ${host}:${port} (${codeOf(cause)})`, exitCodes.failure, {
      cause,
    })
  }
  const address = server.address()
  return {
    host,
    port: typeof address === 'object' && address !== null ? address.port : port,
    arrivalsOf: (id) => kept.get(id) ?? [],
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What an error of the platform is called. */
export const codeOf = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : 'it failed'

const idsIn = ({ url = '', rawHeaders }: IncomingMessage): readonly string[] =>
  [url, ...rawHeaders].flatMap((text) => text.match(/doctor-[0-9a-f]{16}-\d{1,4}(?!\d)/g) ?? [])

const arrivalOf = ({ method = '', url = '', rawHeaders }: IncomingMessage): Arrival => ({
  method,
  target: url,
  headers: rawHeaders.flatMap((name, at): Header[] => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? '']] : [])),
})
