import { isIP, type LookupFunction } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import type { HttpLimits } from '../../ports/http.ts'
import { peerChain } from './tls.ts'

/** Where to, and who says whether it is the right server. */
export interface JudgedPeer {
  readonly host: string
  readonly port: number
  readonly lookup: LookupFunction
  readonly judgeServer: NonNullable<HttpLimits['judgeServer']>
}

/**
 * Opens a TLS connection of its own, on which nothing but the handshake has been sent when `judgeServer` is asked, and
 * which is handed out only when it approves. The platform's authorities and the host name have no say; that the server
 * holds the key of its certificate is proven by the handshake itself (RFC 8446 section 4.4.3).
 */
export const judgedConnection = (
  { host, port, lookup, judgeServer }: JudgedPeer,
  deadline: AbortSignal,
): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const servername = isIP(host) === 0 ? host : ''
    const socket = connect({ host, port, lookup, servername, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    const fail = (error: unknown): void => {
      reject(error instanceof Error ? error : new Error('the server was not approved'))
      socket.destroy()
    }
    const expire = () => fail(deadline.reason)
    deadline.addEventListener('abort', expire, { once: true })
    socket.on('error', fail)
    socket.once('close', () => {
      deadline.removeEventListener('abort', expire)
      reject(new Error('the connection was closed'))
    })
    const judge = async (): Promise<void> => {
      try {
        await judgeServer(peerChain(socket) ?? [])
        deadline.removeEventListener('abort', expire)
        resolve(socket)
      } catch (error) {
        fail(error)
      }
    }
    socket.once('secureConnect', () => void judge())
  })
