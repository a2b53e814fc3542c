import { lookup } from 'node:dns/promises'
import * as http from 'node:http'
import * as https from 'node:https'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import { getCACertificates } from 'node:tls'
import type { Http, HttpLimits, HttpRequest, HttpResponse } from '../../ports/http.ts'
import { judgedConnection } from './judged-connection.ts'

/** A network address that a host name resolves to. */
export interface HostAddress {
  readonly address: string
  readonly family: number
}

export interface NodeHttpOptions {
  /** Certificate authorities, in PEM, that are trusted besides those of the platform. */
  readonly ca?: readonly string[]
  /** Resolves a host name to all its addresses; by default as the operating system does. */
  readonly resolve?: (host: string) => Promise<readonly HostAddress[]>
}

interface Agents {
  readonly http: http.Agent
  readonly https: https.Agent
}

const maxHeaderSize = 16_384
const agentOptions = { keepAlive: true, maxSockets: 64, maxFreeSockets: 8, timeout: 30_000 }

/**
 * Requests by Node's own client. Connections are kept and reused; every address is judged before it is connected to,
 * and that of a reused connection before anything is sent on it, since another request may have been allowed more.
 * Errors are named as the web platform names them: TimeoutError, QuotaExceededError (the answer is too long).
 */
export const createNodeHttp = (options: NodeHttpOptions = {}): Http => {
  const trusted = options.ca === undefined ? {} : { ca: [...getCACertificates('default'), ...options.ca] }
  const agents: Agents = {
    http: new http.Agent(agentOptions),
    https: new https.Agent({ ...agentOptions, rejectUnauthorized: true, ...trusted }),
  }
  const resolve = options.resolve ?? ((host: string) => lookup(host, { all: true }))
  return { send: (request, limits) => sendWithRetry(request, limits, agents, resolve) }
}

type Resolve = NonNullable<NodeHttpOptions['resolve']>

/** A kept connection may have been closed by the peer just now; a GET is then sent once more (RFC 9110 section 9.2.2). */
const sendWithRetry = async (request: HttpRequest, limits: HttpLimits, agents: Agents, resolve: Resolve) => {
  const deadline = AbortSignal.timeout(Math.ceil(limits.timeout * 1000))
  try {
    return await send(request, limits, deadline, agents, resolve)
  } catch (error) {
    if (request.method !== 'GET' || !(error instanceof LostConnection) || deadline.aborted) throw error
    return send(request, limits, deadline, agents, resolve)
  }
}

/** A reused connection broke before an answer came. */
class LostConnection extends Error {
  constructor(cause?: Error) {
    super('the connection was lost', { cause })
    this.name = 'LostConnection'
  }
}

const send = async (
  request: HttpRequest,
  limits: HttpLimits,
  deadline: AbortSignal,
  agents: Agents,
  resolve: Resolve,
): Promise<HttpResponse> => {
  const url = new URL(request.url)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0 && !limits.mayConnect(host)) throw notAllowed()
  const isSecure = url.protocol === 'https:'
  const outgoing = (isSecure ? https : http).request(url, {
    method: request.method,
    headers: { ...request.headers, 'accept-encoding': 'identity' },
    maxHeaderSize,
    ...identityOf(limits, isSecure),
    ...(await connectionFor(url, host, limits, deadline, agents, judgedLookup(resolve, limits.mayConnect))),
  })
  const answer = answerTo(outgoing, limits, deadline)
  outgoing.end(request.body)
  return answer
}

/** Who we are in the TLS handshake. The agent keeps the connections of one certificate apart from all others. */
const identityOf = ({ clientCertificate, judgeServer }: HttpLimits, isSecure: boolean): https.RequestOptions => {
  if (clientCertificate === undefined) return {}
  if (!isSecure || judgeServer !== undefined) throw new Error('a client certificate cannot be presented there')
  return { cert: clientCertificate.certificate, key: clientCertificate.key.reveal() }
}

/** A kept connection, or one of its own for a server that somebody else judges. */
const connectionFor = async (
  url: URL,
  host: string,
  { judgeServer }: HttpLimits,
  deadline: AbortSignal,
  agents: Agents,
  judgedNames: LookupFunction,
): Promise<http.RequestOptions> => {
  const isSecure = url.protocol === 'https:'
  if (judgeServer === undefined) return { agent: isSecure ? agents.https : agents.http, lookup: judgedNames }
  if (!isSecure) throw new Error('only a server that speaks TLS can be judged')
  const peer = { host, port: Number(url.port || 443), lookup: judgedNames, judgeServer }
  const socket = await judgedConnection(peer, deadline)
  return { createConnection: () => socket }
}

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name })
const notAllowed = () => new Error('the address is not allowed')
const tooSlow = () => named('TimeoutError', 'no complete answer in time')
const tooLong = () => named('QuotaExceededError', 'the answer is too long')

/** Resolves the name and judges every address: one that is not allowed spoils the name. */
const judgedAddresses = async (host: string, resolve: Resolve, mayConnect: HttpLimits['mayConnect']) => {
  const addresses = await resolve(host)
  if (!addresses.every(({ address }) => mayConnect(address))) throw notAllowed()
  const [first] = addresses
  if (first === undefined) throw new Error('the host name has no address')
  return { first, all: [...addresses] }
}

const judgedLookup = (resolve: Resolve, mayConnect: HttpLimits['mayConnect']): LookupFunction => {
  const answer = async (...[host, options, callback]: Parameters<LookupFunction>): Promise<void> => {
    try {
      const { first, all } = await judgedAddresses(host, resolve, mayConnect)
      if (options.all === true) callback(null, all)
      else callback(null, first.address, first.family)
    } catch (error) {
      callback(error instanceof Error ? error : new Error('the host name cannot be resolved'), [])
    }
  }
  return (...asked) => void answer(...asked)
}

const answerTo = (outgoing: http.ClientRequest, limits: HttpLimits, deadline: AbortSignal): Promise<HttpResponse> =>
  new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      reject(error)
      outgoing.destroy()
    }
    const expire = () => fail(tooSlow())
    let answered = false
    deadline.addEventListener('abort', expire)
    outgoing.on('socket', (socket) => {
      if (outgoing.reusedSocket) judgeReused(socket, limits.mayConnect, fail)
    })
    outgoing.on('response', (incoming) => {
      answered = true
      readAnswer(incoming, limits.maxBytes, resolve, fail)
    })
    outgoing.on('error', (cause) =>
      fail(outgoing.reusedSocket && !answered ? new LostConnection(cause) : broken(cause)),
    )
    outgoing.on('close', () => {
      deadline.removeEventListener('abort', expire)
      reject(new Error('the connection was closed'))
    })
  })

const judgeReused = ({ remoteAddress }: Socket, mayConnect: HttpLimits['mayConnect'], fail: (error: Error) => void) => {
  if (remoteAddress === undefined) fail(new LostConnection())
  else if (!mayConnect(remoteAddress)) fail(notAllowed())
}

const broken = (cause: Error & { code?: string }): Error =>
  new Error(`the connection failed: ${cause.code ?? cause.message}`, { cause })

const readAnswer = (
  incoming: http.IncomingMessage,
  maxBytes: number,
  resolve: (response: HttpResponse) => void,
  fail: (error: Error) => void,
): void => {
  const encoding = incoming.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') {
    fail(new Error('the answer is encoded although that was not asked for'))
    return
  }
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) {
    fail(tooLong())
    return
  }
  const chunks: Buffer[] = []
  let length = 0
  incoming.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > maxBytes) fail(tooLong())
    else chunks.push(chunk)
  })
  incoming.on('error', (cause) => fail(broken(cause)))
  incoming.on('end', () =>
    resolve({ status: incoming.statusCode ?? 0, headers: headersOf(incoming), body: Buffer.concat(chunks) }),
  )
}

const headersOf = (incoming: http.IncomingMessage): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]))
