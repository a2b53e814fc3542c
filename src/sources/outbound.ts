import type { Seconds } from '../domain/time.ts'
import type { ClientCertificate, Http, HttpRequest, HttpResponse } from '../ports/http.ts'
import { reachOf } from './addresses.ts'

/** What one setting allows. */
export interface OutboundPolicy {
  /** Host names, or `host:port`, that may lie on this machine or in a private network. */
  readonly allowHosts: readonly string[]
  /** For each hop, from connecting to the last byte. Default 5. */
  readonly timeout?: Seconds
  /** The longest body. Default 256 KiB. */
  readonly maxBytes?: number
  /** Presented in the TLS handshake (RFC 8705 section 2). */
  readonly clientCertificate?: ClientCertificate
  /** Judges the certificates of the server in place of the platform; rejects when they are not the right ones. */
  readonly judgeServer?: (chain: readonly Uint8Array[]) => Promise<void>
}

/** The one way out: every request of dragoman to somewhere else passes here. */
export interface Outbound {
  /** @throws OutboundError */
  readonly fetch: (request: HttpRequest, policy: OutboundPolicy) => Promise<HttpResponse>
}

/** Why a request to somewhere else came to nothing. The message may name the host; it never holds what was sent. */
export class OutboundError extends Error {
  readonly kind: 'refused' | 'unreachable' | 'timeout' | 'too_large' | 'redirect'

  constructor(kind: OutboundError['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OutboundError'
    this.kind = kind
  }
}

const defaultTimeout: Seconds = 5
const defaultMaxBytes = 262_144
const maxRedirects = 3
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/**
 * Guards `http` against requests that documents or issuers could steer to where they must not go: https only, public
 * addresses only unless the setting names the host, redirects within one origin only, bounded time and size.
 * `insecureLoopback` admits plain http to this machine, for development.
 */
export const createOutbound = (http: Http, options: { readonly insecureLoopback: boolean }): Outbound => ({
  fetch: async (request, policy) => {
    let url = judgeUrl(request.url, options.insecureLoopback)
    for (let hops = 0; ; hops++) {
      const response = await send(http, { ...request, url: url.href }, url, policy, options.insecureLoopback)
      if (!redirects.has(response.status)) return response
      if (request.method !== 'GET') throw new OutboundError('redirect', `${url.host} redirects a ${request.method}`)
      if (hops === maxRedirects) throw new OutboundError('redirect', `${url.host} redirects too often`)
      url = nextHop(response, url, options.insecureLoopback)
    }
  },
})

const nextHop = (response: HttpResponse, from: URL, insecureLoopback: boolean): URL => {
  const location = response.headers['location'] ?? ''
  if (location === '' || !URL.canParse(location, from.href))
    throw new OutboundError('redirect', `${from.host} redirects to nowhere`)
  const target = new URL(location, from.href)
  if (target.origin !== from.origin) throw new OutboundError('redirect', `${from.host} redirects to another origin`)
  return judgeUrl(target.href, insecureLoopback)
}

const judgeUrl = (text: string, insecureLoopback: boolean): URL => {
  if (!URL.canParse(text)) throw new OutboundError('refused', 'the address is not an absolute URL')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    throw new OutboundError('refused', `the URL for ${url.host} holds user information`)
  if (url.protocol !== 'https:' && !isPlainLoopback(url, insecureLoopback))
    throw new OutboundError('refused', `the URL for ${url.host} is not https`)
  return url
}

const isPlainLoopback = (url: URL, insecureLoopback: boolean): boolean =>
  insecureLoopback && url.protocol === 'http:' && isLoopbackHost(url)

const isLoopbackHost = (url: URL): boolean => url.hostname === 'localhost' || reachOf(bareHost(url)) === 'loopback'

/** The host without the brackets of an IPv6 address. */
const bareHost = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1')

const isNamed = (url: URL, allowHosts: readonly string[]): boolean => {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const names = [url.hostname, bareHost(url), `${url.hostname}:${port}`]
  return allowHosts.some((allowed) => names.includes(allowed.toLowerCase()))
}

/** Which addresses the host of `url` may resolve to. */
const addressJudge = (url: URL, allowHosts: readonly string[], insecureLoopback: boolean) => {
  const named = isNamed(url, allowHosts)
  const mayBeLoopback = named || (insecureLoopback && isLoopbackHost(url))
  const isSecure = url.protocol === 'https:'
  return (address: string): boolean => {
    const reach = reachOf(address)
    if (reach === 'loopback') return mayBeLoopback
    return isSecure && (reach === 'public' || (reach === 'private' && named))
  }
}

const send = async (
  http: Http,
  request: HttpRequest,
  url: URL,
  policy: OutboundPolicy,
  insecureLoopback: boolean,
): Promise<HttpResponse> => {
  const judge = addressJudge(url, policy.allowHosts, insecureLoopback)
  const maxBytes = policy.maxBytes ?? defaultMaxBytes
  let refused = isAddress(url) && !judge(bareHost(url))
  if (refused) throw refusedAddress(url)
  const mayConnect = (address: string): boolean => {
    const may = judge(address)
    refused ||= !may
    return may
  }
  const server = watchedJudge(policy)
  const { clientCertificate } = policy
  const identity = clientCertificate === undefined ? {} : { clientCertificate }
  const response = await http
    .send(request, { timeout: policy.timeout ?? defaultTimeout, maxBytes, mayConnect, ...identity, ...server.limits })
    .catch((cause: unknown) => {
      throw refused ? refusedAddress(url, cause) : transportError(url, cause)
    })
  if (!server.hasApproved()) throw new OutboundError('refused', `nobody has judged the certificate of ${url.host}`)
  if (response.body.byteLength > maxBytes) throw tooLarge(url)
  return response
}

/** An answer counts only when the judge was asked and approved, whatever the platform says. */
const watchedJudge = ({ judgeServer }: OutboundPolicy) => {
  let approved = judgeServer === undefined
  const judge = async (chain: readonly Uint8Array[]): Promise<void> => {
    await judgeServer?.(chain)
    approved = true
  }
  return { hasApproved: () => approved, limits: judgeServer === undefined ? {} : { judgeServer: judge } }
}

/** An IPv6 host stands in brackets; of names, none that the URL standard lets pass ends in a number. */
const isAddress = (url: URL): boolean => url.hostname.startsWith('[') || /(^|\.)[0-9]+$/.test(url.hostname)

const refusedAddress = (url: URL, cause?: unknown) =>
  new OutboundError('refused', `${url.host} lies at an address that is not allowed; name it in allowHosts`, { cause })

const tooLarge = (url: URL, cause?: unknown) =>
  new OutboundError('too_large', `${url.host} answers too much`, { cause })

/** Ports throw errors by the names that the web platform gives them: TimeoutError, QuotaExceededError. */
const transportError = (url: URL, cause: unknown): OutboundError => {
  const { name, message } = cause instanceof Error ? cause : { name: '', message: 'no reason given' }
  if (name === 'TimeoutError') return new OutboundError('timeout', `${url.host} is too slow`, { cause })
  if (name === 'QuotaExceededError') return tooLarge(url, cause)
  return new OutboundError('unreachable', `${url.host} cannot be reached: ${message}`, { cause })
}
