import type { AddressInfo, Server } from 'node:net'

/**
 * Makes `server` listen on `host`:`port` (0: any free one).
 *
 * @returns the port
 * @throws Error naming the address when it is taken or not ours
 */
export const listening = async (server: Server, host: string, port: number): Promise<number> => {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new Error(`cannot listen on ${host}:${port}: ${codeOf(cause)}`, { cause })))
    server.listen({ host, port }, resolve)
  })
  return (server.address() as AddressInfo).port
}

const codeOf = (cause: Error): string => ('code' in cause ? String(cause.code) : cause.message)
