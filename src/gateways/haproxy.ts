import { httpDialect } from './http-dialect.ts'
import { byForwardedHeaders } from './original-headers.ts'

/** HAProxy's auth-request.lua: a HEAD with the client's headers, and `X-Forwarded-*` as configured. */
export const haproxy = httpDialect({
  kind: 'haproxy',
  can: { tooManyRequests: true, outage: 403, removal: false, certificate: false, caching: false, signing: false },
  original: byForwardedHeaders,
})
