import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import {
  experimental,
  type Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { Caller } from '../../domain/caller.ts'
import type { Seconds } from '../../domain/time.ts'
import { callerOnSocket } from './caller.ts'
import { listening } from './listening.ts'
import { isUnwelcome, serverTlsOptions, type TlsFiles, type TlsMaterial } from './tls.ts'

/** A port that speaks gRPC. */
export interface GrpcListener {
  readonly port: number
  /** Takes another certificate into use for new connections. Only where TLS is spoken. */
  renew(material: TlsMaterial): void
  /** Takes no new connection and no new call, lets those in flight finish, for `grace` seconds at most. */
  close(grace: Seconds): Promise<void>
}

/** A gRPC service and who attends to its calls. */
export interface GrpcService {
  readonly definition: ServiceDefinition
  readonly implementation: UntypedServiceImplementation
}

/** Who is at the other end of the connection of the call that came with this metadata. */
export type CallerOfCall = (metadata: Metadata) => Caller

/** The longest message that is read, in bytes: the headers of a request and a certificate, several times over. */
export const maxMessageBytes = 262_144

/** What a peer may ask of us, whoever it is. A gateway that wants more calls at once opens another connection. */
const limits = {
  'grpc.max_receive_message_length': maxMessageBytes,
  'grpc.max_concurrent_streams': 256,
  'grpc.max_connection_idle_ms': 600_000,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // Megabytes that one connection may hold.
  'grpc-node.max_session_memory': 64,
  // Its record of every connection is for debugging.
  'grpc.enable_channelz': 0,
}

/**
 * Serves what `servicesFor` yields on `host`:`port` (0: any free one). Connections are accepted here and handed to the
 * library, so TLS is spoken as on the HTTPS listener, and every call is known by the connection that it came over.
 *
 * @throws Error naming the address when it is taken or not ours
 */
export const listenGrpc = async (
  servicesFor: (callerOf: CallerOfCall) => readonly GrpcService[],
  host: string,
  port: number,
  tls?: { readonly files: TlsFiles; readonly material: TlsMaterial },
): Promise<GrpcListener> => {
  const callers = new WeakMap<Metadata, Caller>()
  const server = new Server(limits)
  for (const { definition, implementation } of servicesFor((metadata) => callers.get(metadata) ?? {}))
    server.addService(definition, implementation)
  const acceptor = acceptorFor(tls, (socket) => attend(server, socket, callers))
  const connections = new Set<Socket>()
  acceptor.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  return {
    port: await listening(acceptor, host, port),
    renew(material) {
      if (tls !== undefined && 'setSecureContext' in acceptor)
        acceptor.setSecureContext(optionsFor(material, tls.files))
    },
    async close(grace) {
      const done = new Promise<void>((resolve) => {
        acceptor.close(() => resolve())
      })
      // It calls back before the calls in flight are answered; the connections end after them.
      server.tryShutdown(() => undefined)
      const late = setTimeout(() => {
        for (const connection of connections) connection.destroy()
      }, grace * 1_000)
      await done
      clearTimeout(late)
    },
  }
}

const optionsFor = (material: TlsMaterial, files: TlsFiles) => ({
  ...serverTlsOptions(material, files),
  ALPNProtocols: ['h2'],
})

const acceptorFor = (
  tls: { readonly files: TlsFiles; readonly material: TlsMaterial } | undefined,
  attendTo: (socket: Socket) => void,
): NetServer | TlsServer => {
  if (tls === undefined) return createServer(attendTo)
  const { files, material } = tls
  return createTlsServer(optionsFor(material, files), (socket: TLSSocket) => {
    if (isUnwelcome(socket, files)) socket.destroy()
    else attendTo(socket)
  })
}

/**
 * Hands a connection to the library. Each has an injector of its own, which remembers for every call who is at the
 * other end: the library itself tells only of certificates that the platform's authorities vouch for.
 */
const attend = (server: Server, socket: Socket, callers: WeakMap<Metadata, Caller>): void => {
  socket.on('error', () => socket.destroy())
  const caller = callerOnSocket(socket)
  const remember: ServerInterceptor = (_, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, passOn) {
            callers.set(metadata, caller)
            passOn(metadata)
          },
        }),
    })
  const credentials = experimental.createServerCredentialsWithInterceptors(ServerCredentials.createInsecure(), [
    remember,
  ])
  const injector = server.createConnectionInjector(credentials)
  socket.once('close', () => injector.destroy())
  injector.injectConnection(socket)
}
