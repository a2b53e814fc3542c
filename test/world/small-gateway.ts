import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { TLSSocket } from 'node:tls'
import { onTestFinished } from 'vitest'
import { requestPath } from '../../src/formats/request-path.ts'

/** A gateway of a hundred lines that does all that it should, unless it is told to have a bad habit. */

export type Habit =
  | 'dragoman is away and all pass'
  | 'pass anonymous'
  | 'let certificates in'
  | 'pass preflights'
  | 'pass all OPTIONS'
  | 'replace one line'
  | 'replace one spelling'
  | 'pass underscores'
  | 'pass odd names'
  | 'pass certificates'
  | 'pass cookies'
  | 'pass the token'
  | 'pass second tokens'
  | 'pass any path'
  | 'break on long tokens'
  | 'believe X-Forwarded-Uri'
  | 'obey Connection last'
  | 'answer with the token'
  | 'forget the tenant'
  | 'expire after ten requests'

export interface SmallGateway {
  readonly url: string
  readonly port: number
  /** Where it sends what it lets in; until then it answers 502. */
  readonly leadTo: (port: number) => void
}

type Lines = readonly (readonly [name: string, value: string])[]

const token = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLXRoZS1mb3JlaWduLWlkZW50aXR5LXByb3ZpZGVy'

/** The token that it accepts. */
export const acceptedToken = token

const ours: Lines = [
  ['Authorization', 'Bearer eyJ0eXAiOiJhdCtqd3QifQ.eyJzdWIiOiJ1c2VyOmFsaWNlIn0.c2lnbmF0dXJlLW9mLWRyYWdvbWFu'],
  ['X-Dragoman-Subject', 'user:alice'],
  ['X-Dragoman-Client', 'edge'],
  ['X-Dragoman-Rule', 'employees'],
  ['X-Dragoman-Tenant', '-'],
  ['X-Dragoman-Txn', '3f1c'],
]

const nobody: Lines = [
  ['Authorization', 'Anonymous'],
  ['X-Dragoman-Subject', 'anonymous'],
  ['X-Dragoman-Client', 'edge'],
  ['X-Dragoman-Rule', '-'],
  ['X-Dragoman-Tenant', '-'],
  ['X-Dragoman-Txn', '-'],
]

const certificates =
  /^(ssl-client-|x-ssl-client-cert|(x-)?client-cert|x-forwarded-(tls-)?client-cert|x-amzn-mtls|x-arr-)/

const linesOf = ({ rawHeaders }: IncomingMessage): Lines =>
  rawHeaders.flatMap((name, at): Lines => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? '']] : []))

const values = (lines: Lines, wanted: string) =>
  lines.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value)

const isRefused = (path: string): boolean => {
  try {
    requestPath(path)
    return false
  } catch {
    return true
  }
}

/** Did the client show a certificate of the authority that the gateway knows? */
const isVerified = ({ socket }: IncomingMessage): boolean => socket instanceof TLSSocket && socket.authorized

/** What dragoman would answer: lines to add, or a status. */
const decided = (incoming: IncomingMessage, has: (habit: Habit) => boolean): Lines | number => {
  const lines = linesOf(incoming)
  const [forwarded] = has('believe X-Forwarded-Uri') ? values(lines, 'x-forwarded-uri') : []
  const path = forwarded ?? incoming.url ?? ''
  const presented = values(lines, 'authorization')
  if (!has('pass any path') && isRefused(path)) return 403
  if (incoming.method === 'OPTIONS' && has('pass all OPTIONS')) return []
  const isPreflight = incoming.method === 'OPTIONS' && 'access-control-request-method' in incoming.headers
  if (isPreflight && has('pass preflights')) return nobody
  if (presented.length === 0 && has('let certificates in') && isVerified(incoming)) return ours
  if (presented.length === 0) return has('pass anonymous') ? nobody : 401
  const isAccepted = presented[0] === `Bearer ${token}` && (presented.length === 1 || has('pass second tokens'))
  if (has('break on long tokens') && (presented[0] ?? '').length > 8_192) return 500
  return isAccepted ? ours : 401
}

/** What of the client's lines goes on. */
const passed = (lines: Lines, has: (habit: Habit) => boolean): Lines => {
  const named = values(lines, 'connection').flatMap((value) => value.toLowerCase().split(/ *, */))
  const seen = new Set<string>()
  return lines.filter(([name]) => {
    const lower = name.toLowerCase()
    const isAgain = seen.has(lower)
    seen.add(lower)
    if (['connection', 'host'].includes(lower) || named.includes(lower)) return false
    if (/[^a-z0-9-]/.test(lower)) return /^[a-z0-9_-]+$/.test(lower) ? has('pass underscores') : has('pass odd names')
    if (/^(x-dragoman-.*|txn-token)$/.test(lower))
      return (
        (isAgain && has('replace one line')) || (!/^(X-Dragoman-|Txn-Token)/.test(name) && has('replace one spelling'))
      )
    if (lower === 'authorization') return isAgain && has('pass second tokens')
    if (lower === 'cookie') return has('pass cookies')
    return !certificates.test(lower) || has('pass certificates')
  })
}

const listener = (has: (habit: Habit) => boolean, upstream: () => number) => {
  let count = 0
  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    count += 1
    const lines = linesOf(incoming)
    const isAway = has('dragoman is away and all pass')
    const isExpired = count > 10 && has('expire after ten requests')
    const decision = isAway ? [] : isExpired ? 401 : decided(incoming, has)
    if (typeof decision === 'number') return void outgoing.writeHead(decision).end()
    const connection = values(lines, 'connection').join(',').toLowerCase()
    const added = decision
      .filter(([name]) => !(has('forget the tenant') && name === 'X-Dragoman-Tenant'))
      .filter(([name]) => !(has('obey Connection last') && connection.includes(name.toLowerCase())))
    const onward = isAway ? lines.filter(([name]) => !/^(connection|host)$/i.test(name)) : passed(lines, has)
    const copies: Lines = has('pass the token') ? [['X-Client-Token', values(lines, 'authorization').join()]] : []
    const headers = [...onward, ...copies, ...added].flat()
    const { method = '', url = '' } = incoming
    const sent = request({
      host: '127.0.0.1',
      port: upstream(),
      method,
      path: url,
      headers: ['Host', 'echo', ...headers],
    })
    sent.on('error', () => outgoing.writeHead(502).end())
    sent.on('response', (response) => {
      const shown = has('answer with the token') ? { 'X-Debug': ours[0]?.[1] ?? '' } : {}
      outgoing.writeHead(response.statusCode ?? 0, { 'content-type': 'text/plain', ...shown })
      response.pipe(outgoing)
    })
    sent.end()
  }
}

/**
 * Starts it; it is stopped at the end of the test. `tls` makes it speak TLS: its certificate and key, and the authority
 * of its clients, in PEM.
 */
export const startSmallGateway = async (
  habits: readonly Habit[] = [],
  tls?: { readonly cert: string; readonly key: string; readonly ca: string },
): Promise<SmallGateway> => {
  let upstream = 1
  const has = (habit: Habit) => habits.includes(habit)
  const handle = listener(has, () => upstream)
  const limits = { maxHeaderSize: has('break on long tokens') ? 1_048_576 : 16_384 }
  const server =
    tls === undefined
      ? createServer(limits, handle)
      : createTlsServer({ ...limits, ...tls, requestCert: true, rejectUnauthorized: false }, handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  const leadTo = (port: number) => {
    upstream = port
  }
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}/orders`,
    port: address.port,
    leadTo,
  }
}
