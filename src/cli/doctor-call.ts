import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** One HTTP/1.1 request, written byte for byte: no client library sends what an attacker sends. */

export type Header = readonly [name: string, value: string]

/** Where to connect, and how. */
export interface Door {
  readonly host: string
  readonly port: number
  /** Over TLS, to a server of this name. */
  readonly tls?: {
    readonly name: string
    /** PEM: the authorities that its certificate must lead to, in place of the usual ones. */
    readonly authorities?: string
    /** PEM: the certificate to show, and its key. */
    readonly certificate?: string
    readonly key?: string
  }
}

/** The head of an answer. Bodies are of no interest. */
export interface Answer {
  readonly status: number
  readonly headers: readonly Header[]
}

/** `closed`: the connection ended without an answer. `late`: none came in time. */
export type Reply = Answer | 'closed' | 'late'

/** Octets of an answer's head; more is no answer. */
const maxHead = 262_144

/** Rejects when no connection comes about, and when what answers does not speak HTTP/1.1. */
export const callRaw = (door: Door, request: string, milliseconds: number): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const socket = open(door)
    let head = ''
    let isConnected = false
    const finish = (reply: Reply | Error): void => {
      clearTimeout(timer)
      socket.destroy()
      if (reply instanceof Error) reject(reply)
      else resolve(reply)
    }
    const timer = setTimeout(() => finish('late'), milliseconds)
    socket.setEncoding('latin1')
    socket.once(door.tls === undefined ? 'connect' : 'secureConnect', () => {
      isConnected = true
      socket.write(request, 'latin1')
    })
    socket.on('data', (chunk: string) => {
      head += chunk
      const answer = answerIn(head)
      if (answer !== undefined) finish(answer)
      else if (head.length > maxHead) finish(new Error('its answer has no end of headers'))
    })
    socket.once('end', () => finish('closed'))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      finish(isConnected && hangingUp.has(error.code ?? '') ? 'closed' : error),
    )
  })

const hangingUp = new Set(['ECONNRESET', 'EPIPE'])

const open = ({ host, port, tls }: Door): Socket =>
  tls === undefined
    ? connectPlain({ host, port })
    : connectTls({
        host,
        port,
        ALPNProtocols: ['http/1.1'],
        ...(isIP(tls.name) === 0 ? { servername: tls.name } : {}),
        ...(tls.authorities === undefined ? {} : { ca: tls.authorities }),
        ...(tls.certificate === undefined ? {} : { cert: tls.certificate, key: tls.key }),
      })

/** The answer whose head is complete in `text`, past those that only announce one (RFC 9110 section 15.2). */
const answerIn = (text: string): Answer | Error | undefined => {
  if (text.length >= 5 && !text.startsWith('HTTP/')) return new Error('it does not speak HTTP/1.1')
  const end = /\r?\n\r?\n/.exec(text)
  if (end === null) return undefined
  const [statusLine = '', ...lines] = text.slice(0, end.index).split(/\r?\n/)
  const [, status = ''] = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine) ?? []
  if (status === '') return new Error('it does not speak HTTP/1.1')
  return status.startsWith('1')
    ? answerIn(text.slice(end.index + end[0].length))
    : { status: Number(status), headers: lines.map(headerIn) }
}

const headerIn = (line: string): Header => {
  const colon = line.indexOf(':')
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).trim()]
}
