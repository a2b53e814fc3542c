import { httpDialect } from './http-dialect.ts'
import { byForwardedHeaders } from './original-headers.ts'

/**
 * nginx's auth_request: a GET with the client's headers, and `X-Forwarded-*` as configured. Of a refusal it passes on
 * nothing but 401 with its challenge, and 403; everything else is its own failure to it.
 */
export const nginx = httpDialect({
  kind: 'nginx',
  can: { tooManyRequests: false, outage: 403, removal: false, certificate: false, caching: false, signing: false },
  original: byForwardedHeaders,
})
