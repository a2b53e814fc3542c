import { connect } from 'node:net'

/** What came back: the status, and the whole answer as it stood on the wire. */
export interface Answer {
  readonly status: number
  readonly bytes: Buffer
}

/** One keep-alive HTTP/1.1 connection that carries one request at a time. */
export interface Connection {
  /** Sends `request`, which is ASCII. Throws when the connection breaks or the answer cannot be read. */
  exchange(request: string): Promise<Answer>
  close(): void
}

/**
 * Connects to a loopback port. It understands just what a benchmark's servers send: an answer with Content-Length. That
 * costs a few microseconds a request, so that the load generator is never the one that is measured.
 */
export const openConnection = (port: number): Promise<Connection> =>
  new Promise((connected, failed) => {
    let waiting: { answered(answer: Answer): void; failed(error: unknown): void } = { answered: ignore, failed }
    let received: Buffer = Buffer.alloc(0)
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
      connected({
        exchange: (request) =>
          new Promise((resolve, reject) => {
            waiting = { answered: resolve, failed: reject }
            received = Buffer.alloc(0)
            socket.write(request, 'latin1')
          }),
        close: () => socket.destroy(),
      })
    })
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      try {
        const answer = wholeAnswer(received)
        if (answer !== undefined) waiting.answered(answer)
      } catch (error) {
        waiting.failed(error)
      }
    })
    socket.on('error', (error) => waiting.failed(error))
    socket.on('close', () => waiting.failed(new Error('the server closed the connection')))
  })

const ignore = (): void => undefined

/** The answer, once all of it is there. */
const wholeAnswer = (bytes: Buffer): Answer | undefined => {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = bytes.toString('latin1', 0, headEnd)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length === undefined) throw new Error('an answer came without Content-Length')
  const missing = headEnd + 4 + Number(length) - bytes.length
  if (missing < 0) throw new Error('an answer came with bytes after its end')
  return missing > 0 ? undefined : { status: Number(head.slice(9, 12)), bytes }
}
