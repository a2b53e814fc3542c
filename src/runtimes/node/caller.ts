import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Caller } from '../../domain/caller.ts'
import { peerChain } from './tls.ts'

/** Who is at the other end of the connection that `request` came over. */
export const callerOfRequest = ({ socket }: IncomingMessage): Caller => callerOnSocket(socket)

/** Who is at the other end of `socket`. */
export const callerOnSocket = (socket: Socket): Caller => {
  const { remoteAddress } = socket
  const chain = socket instanceof TLSSocket ? peerChain(socket) : undefined
  return {
    ...(remoteAddress === undefined ? {} : { address: remoteAddress }),
    ...(chain === undefined ? {} : { chain }),
  }
}

/** The same from what @hono/node-server puts beside a web platform's Request. */
export const callerOf = (env: unknown): Caller => {
  const incoming = (env as { readonly incoming?: IncomingMessage } | undefined)?.incoming
  return incoming === undefined ? {} : callerOfRequest(incoming)
}
