import { ChannelCredentials, Client, Metadata, type ServiceDefinition, type ServiceError } from '@grpc/grpc-js'
import type { ClientIdentity } from './tls-call.ts'

/** A caller over gRPC, with one connection of its own. */
export interface GrpcCaller {
  /** The message that answers a call, or the code of the status that it ended with. */
  call(
    method: string,
    message: unknown,
    metadata?: Readonly<Record<string, string | readonly string[]>>,
  ): Promise<GrpcAnswer>
  close(): void
}

export type GrpcAnswer = { readonly message: unknown } | { readonly code: number }

export interface GrpcCallerOptions {
  /** PEM: the authorities of the server; without them it speaks in the clear. */
  readonly ca?: string
  readonly identity?: ClientIdentity
}

/** How long an answer may take, in milliseconds. */
const patience = 10_000

/** Opens a caller of the service `definition` at `port` of this machine. */
export const grpcCaller = (
  port: number,
  definition: ServiceDefinition,
  { ca, identity }: GrpcCallerOptions = {},
): GrpcCaller => {
  const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text))
  const credentials =
    ca === undefined
      ? ChannelCredentials.createInsecure()
      : ChannelCredentials.createSsl(pem(ca), pem(identity?.key), pem(identity?.cert))
  // Callers of one process would share a connection.
  const client = new Client(`127.0.0.1:${port}`, credentials, { 'grpc.use_local_subchannel_pool': 1 })
  return {
    call: (method, message, fields = {}) =>
      new Promise((resolve, reject) => {
        const wanted = definition[method]
        if (wanted === undefined) return reject(new Error(`no method ${method}`))
        const metadata = new Metadata()
        for (const [name, values] of Object.entries(fields))
          for (const value of [values].flat()) metadata.add(name, value)
        const { path, requestSerialize, responseDeserialize } = wanted
        const options = { deadline: Date.now() + patience }
        const answered = (error: ServiceError | null, answer?: unknown) =>
          resolve(error === null ? { message: answer } : { code: error.code })
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, metadata, options, answered)
      }),
    close: () => client.close(),
  }
}
