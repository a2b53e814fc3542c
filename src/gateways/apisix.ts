import { httpDialect } from './http-dialect.ts'
import { byForwardedHeaders } from './original-headers.ts'

/** APISIX's forward-auth: a GET with `X-Forwarded-*` and of the client's headers those that it is told to send. */
export const apisix = httpDialect({
  kind: 'apisix',
  can: { tooManyRequests: true, outage: 403, removal: false, certificate: false, caching: false, signing: false },
  original: byForwardedHeaders,
})
