import { once } from 'node:events'
import * as http from 'node:http'
import * as https from 'node:https'

/** A request as the service behind a gateway gets it. */
export interface Arrival {
  readonly method: string
  /** The request target as it was written. */
  readonly target: string
  /** Line by line, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** A service that keeps what comes in. */
export interface Echo {
  readonly port: number
  /** What has come since it was last asked. */
  readonly arrivals: () => readonly Arrival[]
  readonly stop: () => Promise<void>
}

const lenient = { insecureHTTPParser: true, maxHeaderSize: 262_144 }

/**
 * Starts it on the loopback interface, at a free port unless one is named, over TLS where it has a certificate (PEM). It is
 * lenient, as services are.
 */
export const startEcho = async (port = 0, tls?: { readonly cert: string; readonly key: string }): Promise<Echo> => {
  let kept: Arrival[] = []
  const keep: http.RequestListener = (incoming, response) => {
    const { method = '', url = '', rawHeaders } = incoming
    const headers = rawHeaders.flatMap((name, at) =>
      at % 2 === 0 ? [[name.toLowerCase(), rawHeaders[at + 1] ?? ''] as const] : [],
    )
    let body = ''
    incoming.setEncoding('latin1')
    incoming.on('data', (chunk: string) => {
      body += chunk
    })
    incoming.once('end', () => {
      kept.push({ method, target: url, headers, body })
      response.writeHead(200, { 'content-type': 'text/plain' }).end('echo\n')
    })
  }
  const server = tls === undefined ? http.createServer(lenient, keep) : https.createServer({ ...lenient, ...tls }, keep)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  return {
    port: address.port,
    arrivals() {
      const arrived = kept
      kept = []
      return arrived
    },
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** The values of the lines of that name. */
export const valuesOf = ({ headers }: Arrival, name: string): readonly string[] =>
  headers.filter(([candidate]) => candidate === name).map(([, value]) => value)
