import { once } from 'node:events'
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2'
import { connect as connectTls } from 'node:tls'

/** Where a gateway listens, and who vouches for it. */
export interface Http2Door {
  readonly port: number
  readonly name: string
  /** PEM. */
  readonly authorities: string
}

/** Sends requests one after another over one connection of HTTP/2, and returns the statuses of their answers. */
export const askOverHttp2 = async (
  { port, name, authorities }: Http2Door,
  requests: readonly OutgoingHttpHeaders[],
): Promise<readonly number[]> => {
  const socket = connectTls({ host: '127.0.0.1', port, servername: name, ca: authorities, ALPNProtocols: ['h2'] })
  await once(socket, 'secureConnect')
  const session = connect(`https://${name}`, { createConnection: () => socket })
  try {
    const statuses: number[] = []
    for (const headers of requests) statuses.push(await statusOf(session, headers))
    return statuses
  } finally {
    session.destroy()
  }
}

const statusOf = async (session: ClientHttp2Session, headers: OutgoingHttpHeaders): Promise<number> => {
  const stream = session.request(headers)
  stream.setTimeout(10_000, () => stream.destroy(new Error('no answer within 10 s')))
  stream.end()
  const [answer]: { ':status'?: number }[] = await once(stream, 'response')
  stream.resume()
  await once(stream, 'close')
  return answer?.[':status'] ?? 0
}
