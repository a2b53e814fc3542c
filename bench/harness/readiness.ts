import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { openConnection } from './http-connection.ts'
import type { Child } from './processes.ts'

const deadlineMilliseconds = 20_000
const pauseMilliseconds = 2

/** The port on which `server` listens. */
export const portOf = (server: Server): number => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port')
  return address.port
}

/** A loopback port that is free at the moment, for a program that must be told one. */
export const freePort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server)
  await new Promise<unknown>((resolve) => server.close(resolve))
  return port
}

/** Resolves once `path` answers 200. Throws when the process ends, or does not get there in time. */
export const whenReady = async (child: Child, port: number, path: string): Promise<void> => {
  const deadline = performance.now() + deadlineMilliseconds
  while (!(await answers(port, path))) {
    if (child.exitCode() !== undefined) throw new Error(`a server ended with ${child.exitCode()}: ${child.complaint()}`)
    if (performance.now() > deadline) throw new Error(`${path} was not ready in time: ${child.complaint()}`)
    await sleep(pauseMilliseconds)
  }
}

const answers = async (port: number, path: string): Promise<boolean> => {
  try {
    const connection = await openConnection(port)
    const { status } = await connection.exchange(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
    connection.close()
    return status === 200
  } catch {
    return false
  }
}
