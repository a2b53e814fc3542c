import { httpDialect } from './http-dialect.ts'
import { byForwardedHeaders } from './original-headers.ts'

/**
 * Traefik's ForwardAuth and Caddy's forward_auth: a GET with the client's headers and `X-Forwarded-*`. They pass our
 * answer on as it is when it does not let the request pass.
 */
export const forwardAuth = httpDialect({
  kind: 'forward-auth',
  can: { tooManyRequests: true, outage: 403, removal: false, certificate: false, caching: false, signing: false },
  original: byForwardedHeaders,
})
