import type { OriginalRequest } from '../domain/original-request.ts'
import { Refusal } from '../domain/refusal.ts'
import { otherSpellings } from '../formats/header-spellings.ts'
import type { GatewayCall } from './gateway-authentication.ts'

/**
 * Where others state the method, the host or the URL of a request. Services and frameworks that believe one of these act
 * on another request than the one decided upon. A gateway that adds one itself says the same in it.
 */
const rivals = {
  method: ['x-original-method', 'x-forwarded-method', 'x-http-method-override', 'x-http-method', 'x-method-override'],
  host: ['x-forwarded-host', 'x-original-host'],
  target: ['x-original-url', 'x-original-uri', 'x-rewrite-url', 'x-forwarded-uri'],
} as const

const spelt = (names: readonly string[]): readonly string[] => names.flatMap((name) => [name, ...otherSpellings(name)])

const known = { method: spelt(rivals.method), host: spelt(rivals.host), target: spelt(rivals.target) }

/** All of them, lower-case, and the header of RFC 7239. */
export const rivalHeaders: readonly string[] = [...rivals.method, ...rivals.host, ...rivals.target, 'forwarded']

/** The parts as they were written. */
export interface WrittenRequest {
  readonly method: string | undefined
  readonly scheme: string | undefined
  readonly authority: string | undefined
  /** Path and query. */
  readonly target: string | undefined
}

/** @throws Refusal `request.original_conflict` */
export const refuseRivals = (
  call: GatewayCall,
  { method, scheme, authority = '', target }: WrittenRequest,
  { host }: OriginalRequest,
): void => {
  const isHost = (value: string) => [authority.toLowerCase(), host].includes(value.toLowerCase())
  const targets = [target, `${scheme}://${authority}${target}`]
  refuseOthers(call, known.method, (value) => value === method)
  refuseOthers(call, known.host, isHost)
  refuseOthers(call, known.target, (value) => targets.includes(value))
  refuseOthers(call, ['forwarded'], (value) => forwardedHosts(value).every(isHost))
}

const refuseOthers = (call: GatewayCall, names: readonly string[], isTrue: (value: string) => boolean): void => {
  for (const name of names) {
    const value = call.header(name)
    if (value !== undefined && !isTrue(value))
      throw new Refusal('request.original_conflict', `${name} says something else than the gateway`)
  }
}

/** What stands after `host=`, in whichever element and be it inside of quotes: who hides one is not believed either. */
const forwardedHosts = (value: string): readonly string[] =>
  [...value.matchAll(/host\s*=\s*(?:"([^"]*)"|([^;,]*))/gi)].map(([, quoted, plain = '']) => quoted ?? plain.trim())
