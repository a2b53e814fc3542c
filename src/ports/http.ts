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

/** What a platform must enforce while it sends. */
export interface HttpLimits {
  readonly timeout: Seconds
  readonly maxBytes: number
  /** Judges each network address that the host name resolves to, at the moment of connecting (no rebinding). */
  readonly mayConnect: (address: string) => boolean
}

/**
 * Sends one request and follows no redirect. Throws when the peer cannot be reached, is not allowed, is too slow or
 * answers too much; by the names that the web platform gives such errors: TimeoutError, QuotaExceededError. Only `sources/outbound.ts` calls it.
 */
export interface Http {
  send(request: HttpRequest, limits: HttpLimits): Promise<HttpResponse>
}
