import { httpDialect } from './http-dialect.ts'
import { byOriginalUrl } from './original-headers.ts'

/**
 * ingress-nginx's `auth-url`: nginx with a configuration of its own, which tells the whole URL. Where `auth-cache-key` is
 * set it keeps answers.
 */
export const ingressNginx = httpDialect({
  kind: 'ingress-nginx',
  can: { tooManyRequests: false, outage: 403, removal: false, certificate: false, caching: true, signing: false },
  original: byOriginalUrl,
})
