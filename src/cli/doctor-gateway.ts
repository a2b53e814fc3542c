import { randomBytes } from 'node:crypto'
import { type Answer, callRaw, type Door } from './doctor-call.ts'
import { codeOf, type Echo, idHeader, startEcho } from './doctor-echo.ts'
import type { Outcome, Shot } from './doctor-expectations.ts'

/** The user's gateway, with our echo service behind it. */
export interface Gateway {
  readonly echo: Echo
  /** Sends one request, on a connection of its own, and says what became of it. Never rejects. */
  fire(shot: Shot): Promise<Outcome>
}

/** How to reach it. */
export interface Doors {
  readonly url: URL
  readonly client: Door
  /** For those who have no credential. */
  readonly stranger: Door
}

/** For one request, in milliseconds. */
const patience = 10_000

/** Starts the echo service on `host` and `port`. */
export const openGateway = async (doors: Doors, host: string, port: number): Promise<Gateway> => {
  const run = randomBytes(8).toString('hex')
  const ids = new Set<string>()
  const echo = await startEcho((id) => ids.has(id), host, port)
  const fire = async (shot: Shot): Promise<Outcome> => {
    const id = `doctor-${run}-${ids.size}`
    ids.add(id)
    const door = doors[shot.by]
    const reply = await callRaw(door, requestText(doors.url, id, shot), patience).catch(
      (error: unknown): Outcome => failed(error, door, shot),
    )
    const arrivals = echo.arrivalsOf(id)
    const answer = typeof reply === 'object' && 'headers' in reply ? reply : undefined
    if (arrivals.length > 0) return { kind: 'arrived', arrivals, ...(answer === undefined ? {} : { answer }) }
    if (answer !== undefined) return withoutArrival(answer, shot)
    if (reply === 'late') return { kind: 'unknown', why: `no answer within ${patience / 1_000} s` }
    return typeof reply === 'object' && 'kind' in reply ? reply : { kind: 'turned away' }
  }
  return { echo, fire }
}

const requestText = ({ host, pathname }: URL, id: string, { method, tail, lines }: Shot): string =>
  [
    `${method} ${pathname.replace(/\/+$/, '')}/${id}${tail} HTTP/1.1`,
    `Host: ${host}`,
    'User-Agent: dragoman-doctor',
    'Accept: */*',
    `${idHeader}: ${id}`,
    ...lines,
    ...(lines.some((line) => /^connection:/i.test(line)) ? [] : ['Connection: close']),
    '',
    '',
  ].join('\r\n')

const withoutArrival = ({ status }: Answer, { method }: Shot): Outcome => {
  if (status === 429) return { kind: 'unknown', why: 'the gateway limits the rate (429)' }
  const isElsewhere = status < 300 && method !== 'OPTIONS'
  return isElsewhere
    ? { kind: 'unknown', why: `something else than the echo service answered ${status}` }
    : { kind: 'turned away', status }
}

const failed = (error: unknown, { host, port }: Door, { by }: Shot): Outcome => {
  const code = codeOf(error)
  const isHandshake = /^ERR_SSL_|^EPROTO$/.test(code)
  if (isHandshake && by === 'stranger') return { kind: 'turned away' }
  if (code === 'ECONNREFUSED') return { kind: 'unknown', why: `nothing listens at ${host}:${port}` }
  if (code === 'ENOTFOUND') return { kind: 'unknown', why: `there is no host ${host}` }
  if (isHandshake) return { kind: 'unknown', why: `the TLS handshake failed (${code})`, isFinal: true }
  if (/CERT|SIGNATURE/.test(code))
    return {
      kind: 'unknown',
      why: `its certificate is not trusted (${code}); --ca FILE names its authority`,
      isFinal: true,
    }
  return { kind: 'unknown', why: code }
}
