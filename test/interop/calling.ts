import { once } from 'node:events'
import * as http from 'node:http'
import * as https from 'node:https'
import { text } from 'node:stream/consumers'
import type { PeerCertificate } from 'node:tls'
import { patience } from '../world/child-process.ts'

/** A caller over mutual TLS, which `fetch` cannot be, and a server that shows what it was sent. */

export interface Caller {
  /** PEM: the authorities that the server's certificate must lead to. */
  readonly authorities: string
  /** The SPIFFE ID that the server must have; without one it must have the name that is called. */
  readonly serverId?: string
  /** PEM: the caller's certificate, and the chain above it that it sends along; none without one. */
  readonly certificate?: string
  readonly key?: string
  /** By default the newest that both sides speak. */
  readonly maxVersion?: 'TLSv1.2'
}

export interface Call {
  readonly headers?: Readonly<Record<string, string>>
  /** Makes it a POST of this form. */
  readonly form?: Readonly<Record<string, string>>
}

export interface Reply {
  readonly status: number
  readonly headers: http.IncomingMessage['headers']
  readonly body: string
}

const formType = { 'content-type': 'application/x-www-form-urlencoded' }

/** Instead of a look at the server's host names: is this its one URI (X509-SVID section 2)? */
const withId = (id: string) => ({
  checkServerIdentity: (_: string, { subjectaltname }: PeerCertificate) =>
    subjectaltname === `URI:${id}` ? undefined : new Error(`the server is ${subjectaltname}`),
})

/** Calls `url` on a connection of its own, over plain http showing no certificate; rejects when the handshake fails. */
export const call = async (url: string, caller: Caller, { headers, form }: Call = {}): Promise<Reply> => {
  const { request } = url.startsWith('https:') ? https : http
  const sent = request(url, {
    method: form === undefined ? 'GET' : 'POST',
    ca: caller.authorities,
    cert: caller.certificate,
    key: caller.key,
    ...(caller.maxVersion === undefined ? {} : { maxVersion: caller.maxVersion }),
    agent: false,
    ...(caller.serverId === undefined ? {} : withId(caller.serverId)),
    headers: { ...(form === undefined ? {} : formType), ...headers },
    signal: AbortSignal.timeout(patience),
  })
  sent.end(form === undefined ? '' : new URLSearchParams(form).toString())
  const [response]: http.IncomingMessage[] = await once(sent, 'response')
  if (response === undefined) throw new Error('no response')
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }
}

/** A server that answers each request with its header fields, as lists of values by lower-case name. */
export interface Mirror {
  readonly port: number
  readonly stop: () => void
}

const reflect: http.RequestListener = (incoming, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(incoming.headersDistinct))
}

/** Starts it, over TLS with a certificate and its key in PEM. */
export const startMirror = async (tls?: { readonly cert: string; readonly key: string }): Promise<Mirror> => {
  const server = tls === undefined ? http.createServer(reflect) : https.createServer(tls, reflect)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  return { port: address.port, stop }
}
