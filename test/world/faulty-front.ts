import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { Server } from 'node:net'

/**
 * How an identity provider fails: it answers 503, accepts and never answers, does not listen at all, publishes no
 * keys, answers without end, or sends text that is not JSON.
 */
export const outages = ['503', 'hang', 'refused', 'empty', 'huge', 'garbage'] as const

/** What `fail` can do: an outage, or an honest answer that comes a second late. */
export const troubles = [...outages, 'slow'] as const

export type Trouble = (typeof troubles)[number]

/** A listener on the loopback interface that counts what it is asked and fails on demand. */
export interface FaultyFront {
  readonly origin: string
  /** How often each `METHOD /path` was asked, whatever the answer. */
  readonly counts: Readonly<Record<string, number>>
  /** Fails in this way at `paths` until `restore`. `refused` is about the whole port. */
  fail(trouble: Trouble, paths: readonly string[]): Promise<void>
  restore(): Promise<void>
  close(): Promise<void>
}

const listening = (server: Server, port: number) =>
  new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      if (typeof address === 'object' && address !== null) resolve(address.port)
    })
  })

/** Sixty megabytes of JSON white space, at the pace at which the other side reads them. */
const answerWithoutEnd = (response: ServerResponse) => {
  const chunk = Buffer.alloc(65_536, ' ')
  let left = 960
  const more = () => {
    while (left > 0 && !response.destroyed) {
      left -= 1
      if (!response.write(chunk)) return
    }
    response.end('{"keys":[]}')
  }
  response.writeHead(200, { 'content-type': 'application/json' })
  response.on('drain', more)
  more()
}

const failures: Record<Exclude<Trouble, 'refused' | 'slow'>, (response: ServerResponse) => void> = {
  '503': (response) => response.writeHead(503).end(),
  hang: () => undefined,
  empty: (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"keys":[]}'),
  huge: answerWithoutEnd,
  garbage: (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"keys": [oops'),
}

const pathOf = (request: IncomingMessage) => new URL(request.url ?? '/', 'http://front').pathname

/** Listens on a free port and hands what it lets through to `listener()`, asked anew for every request. */
export const faultyFront = async (listener: (origin: string) => RequestListener): Promise<FaultyFront> => {
  const counts: Record<string, number> = {}
  let failing: { readonly trouble: Trouble; readonly paths: readonly string[] } | undefined
  let origin = ''

  const serve: RequestListener = (request, response) => {
    const asked = `${request.method} ${pathOf(request)}`
    counts[asked] = (counts[asked] ?? 0) + 1
    const trouble = failing?.paths.includes(pathOf(request)) === true ? failing.trouble : undefined
    if (trouble === 'slow') setTimeout(() => listener(origin)(request, response), 1000)
    else if (trouble === undefined || trouble === 'refused') listener(origin)(request, response)
    else failures[trouble](response)
  }

  let server = createServer(serve)
  const port = await listening(server, 0)
  origin = `http://127.0.0.1:${port}`

  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const restore = async () => {
    failing = undefined
    if (server.listening) {
      // What hangs would hang on: cut it, so that nobody waits for an answer that was given up.
      server.closeAllConnections()
      return
    }
    server = createServer(serve)
    await listening(server, port)
  }
  const fail = async (trouble: Trouble, paths: readonly string[]) => {
    await restore()
    failing = { trouble, paths }
    if (trouble === 'refused') await close()
  }
  return { origin, counts, fail, restore, close }
}
