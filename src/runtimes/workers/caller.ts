import { chainOfTlsClientAuth } from '../../formats/certificate-headers/cloudflare-tls.ts'
import type { CallerOf } from '../../http/app.ts'

/**
 * The client certificate of a request to a Cloudflare Worker, from `request.cf.tlsClientAuth`: mutual TLS ends at the
 * edge, and what the edge says cannot be written by a client. The address of the socket is the edge's own and says
 * nothing.
 */
export const callerOf: CallerOf = (_env, request) => {
  const { cf } = request as Request & { readonly cf?: { readonly tlsClientAuth?: unknown } }
  const chain = chainOfTlsClientAuth(cf?.tlsClientAuth)
  return chain === undefined ? {} : { chain }
}
