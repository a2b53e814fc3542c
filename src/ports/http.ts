import type { Secret } from '../domain/secret.ts'
import type { Seconds } from '../domain/time.ts'

/** A request to somewhere else. Header names are lower case. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** Its answer, read to the end. Header names are lower case. */
export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** A certificate of ours, and its key, both PEM. */
export interface ClientCertificate {
  readonly certificate: string
  readonly key: Secret<string>
}

/** What a platform must enforce while it sends. */
export interface HttpLimits {
  readonly timeout: Seconds
  readonly maxBytes: number
  /** Judges each network address that the host name resolves to, at the moment of connecting (no rebinding). */
  readonly mayConnect: (address: string) => boolean
  /**
   * Presented to the server in the TLS handshake (RFC 8705 section 2). A connection that it was presented on is shared with
   * no request that presents another or none. A platform that cannot do this must throw.
   */
  readonly clientCertificate?: ClientCertificate
  /**
   * When present, it alone says whether the server is the right one; certificate authorities and host names count for
   * nothing. The platform does the TLS handshake, in which the server proves to hold the key of the first certificate,
   * hands over what the server showed (DER) and sends nothing before `judgeServer` has resolved; when it rejects, so does
   * `send`. Such a connection is shared with no other request. A platform that cannot do this must throw.
   */
  readonly judgeServer?: (chain: readonly Uint8Array[]) => Promise<void>
}

/**
 * Sends one request and follows no redirect. Throws when the peer cannot be reached, is not allowed, is too slow or
 * answers too much; by the names that the web platform gives such errors: TimeoutError, QuotaExceededError. Only `sources/outbound.ts` calls it.
 */
export interface Http {
  send(request: HttpRequest, limits: HttpLimits): Promise<HttpResponse>
}
