import type { OriginalRequest } from '../domain/original-request.ts'
import { Refusal } from '../domain/refusal.ts'
import { FormatError } from '../formats/format-error.ts'
import { requestPath } from '../formats/request-path.ts'
import { methodGrammar } from '../formats/request-pattern.ts'
import { authzPath } from './authz-path.ts'
import type { HttpCall } from './dialect.ts'
import type { GatewayCall } from './gateway-authentication.ts'
import { refuseRivals, type WrittenRequest } from './rival-headers.ts'

/**
 * What a gateway says was asked of it. Each dialect has one place for each part; what stands elsewhere is the client's
 * word. A part that is missing, repeated or malformed cannot be guessed.
 */

/**
 * Reads the parts. The scheme may be left out; its place may not hold anything but a scheme.
 *
 * @throws Refusal `request.original_missing`, `request.original_malformed`, `request.path_ambiguous`
 */
const originalRequest = ({ method, scheme, authority, target }: WrittenRequest): OriginalRequest => ({
  method: methodOf(stated(method, 'method')),
  ...(scheme === undefined ? {} : { scheme: schemeOf(scheme) }),
  ...hostOf(stated(authority, 'host')),
  path: pathOf(stated(target, 'path')),
})

/** Nothing that is stated has a space or a control character in it; where two are joined there is a space. */
const stated = (value: string | undefined, what: string): string => {
  if (value === undefined || value === '')
    throw new Refusal('request.original_missing', `the gateway does not say the ${what} of the request`)
  if (/[^!-~\u0080-\uffff]/.test(value)) throw malformed(what)
  return value
}

const malformed = (what: string) =>
  new Refusal('request.original_malformed', `the ${what} of the request is malformed or stated more than once`)

/** @throws Refusal `request.original_malformed` */
export const methodOf = (method: string): string => {
  if (!methodGrammar.test(method)) throw malformed('method')
  return method
}

/** Traefik says `ws` and `wss` of WebSocket handshakes, which are requests of http and https (RFC 6455 section 3). */
const schemes: ReadonlyMap<string, 'http' | 'https'> = new Map([
  ['http', 'http'],
  ['https', 'https'],
  ['ws', 'http'],
  ['wss', 'https'],
])

const schemeOf = (scheme: string): 'http' | 'https' => {
  const known = schemes.get(scheme)
  if (known === undefined) throw malformed('scheme')
  return known
}

/** A name of labels or an IPv6 address in brackets, and a port (RFC 3986 section 3.2). No list, no user, no escape. */
const authorityGrammar = /^([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(?::([1-9][0-9]{0,4}))?$/
const maxHostLength = 255
const maxPort = 65_535

const hostOf = (authority: string): Pick<OriginalRequest, 'host' | 'port'> => {
  const [, host, port] = authority.length > maxHostLength ? [] : (authorityGrammar.exec(authority) ?? [])
  if (host === undefined || Number(port ?? maxPort) > maxPort) throw malformed('host')
  return { host: host.toLowerCase(), ...(port === undefined ? {} : { port }) }
}

/** @throws Refusal `request.path_ambiguous` */
export const pathOf = (target: string): string => {
  try {
    return requestPath(target)
  } catch (cause) {
    if (cause instanceof FormatError) throw new Refusal('request.path_ambiguous', cause.message, { cause })
    throw cause
  }
}

/**
 * Reads the parts, and refuses a request that says otherwise in a header.
 *
 * @throws Refusal `request.original_*`, `request.path_ambiguous`
 */
export const unrivalled = (call: GatewayCall, written: WrittenRequest): OriginalRequest => {
  const original = originalRequest(written)
  refuseRivals(call, written, original)
  return original
}

/** `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`: Traefik, Caddy and APISIX by themselves, others as configured. */
export const byForwardedHeaders = (call: HttpCall): OriginalRequest =>
  unrivalled(call, {
    method: call.header('x-forwarded-method'),
    scheme: stated(call.header('x-forwarded-proto'), 'scheme'),
    authority: call.header('x-forwarded-host'),
    target: call.header('x-forwarded-uri'),
  })

/** `X-Original-Method`, and `X-Original-URL` with scheme, host, path and query. */
export const byOriginalUrl = (call: HttpCall): OriginalRequest => {
  const url = stated(call.header('x-original-url'), 'URL')
  const [, scheme, authority, target] = /^([a-z]+):\/\/([^/?#]+)(\/.*)$/.exec(url) ?? []
  if (scheme === undefined) throw malformed('URL')
  return unrivalled(call, { method: call.header('x-original-method'), scheme, authority, target })
}

/**
 * The method and host of the call itself, and its target after the name of the gateway.
 *
 * @throws Refusal `request.original_missing` where a URL parser has already chosen how to read the target
 */
export const byCallItself = (call: HttpCall): OriginalRequest => {
  if (!call.isVerbatim)
    throw new Refusal('request.original_missing', 'this platform does not tell targets as they came')
  return unrivalled(call, {
    method: call.method,
    scheme: call.header('x-forwarded-proto'),
    authority: call.header('host'),
    target: authzPath(call.target)?.tail,
  })
}
