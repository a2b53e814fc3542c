import type { DecisionSettings } from '../formats/gateway-decision-settings.ts'
import { otherSpellings } from '../formats/header-spellings.ts'
import { authzPath } from './authz-path.ts'
import { httpDialect } from './http-dialect.ts'
import { byCallItself } from './original-headers.ts'
import { outgoingFrom } from './outgoing.ts'
import { ownHeaders } from './own-headers.ts'
import { rivalHeaders } from './rival-headers.ts'

/** Where a client could put what services take for a token of ours. */
const tokenHeaders = ['txn-token', 'x-dragoman-token']

/**
 * What goes off a request that may pass, lower-case: the credential that our token stands in place of, the headers
 * `carriers` with certificates, what the document names, whatever only we may say, and what names another request than
 * the one decided upon. A name goes with all that some servers read like it. What is both set and removed would be gone.
 */
export const removedHeaders = (
  { credentialFrom, respond }: DecisionSettings,
  carriers: readonly string[],
): readonly string[] => {
  const set = ownHeaders(respond)
  const credentials = credentialFrom.flatMap((place) => ('header' in place ? [place.header] : []))
  const named = [...tokenHeaders, ...respond.removeHeaders, ...credentials, ...carriers, ...rivalHeaders]
  const alike = [...set, ...named].flatMap(otherSpellings)
  return [...new Set([...named, ...alike])].filter((name) => !set.includes(name))
}

/**
 * Envoy's ext_authz over HTTP, and what mirrors it: Istio's `envoyExtAuthzHttp`, the `ExternalAuth` filter of the
 * Gateway API, Envoy Gateway. The client's own method and host, its path and query after `path_prefix`, and of its
 * headers those that Envoy is told to send. 5xx is a failure to it, and closed unless it is told otherwise.
 */
export const envoyHttp = httpDialect({
  kind: 'envoy-http',
  can: { tooManyRequests: true, outage: 503, removal: true, certificate: false, caching: false, signing: true },
  original: byCallItself,
  outgoing: (call, fields) => outgoingFrom(authzPath(call.target)?.tail ?? '', fields, (name) => call.header(name)),
  more: (settings, carriers) => ({
    'X-Envoy-Auth-Headers-To-Remove': removedHeaders(settings, carriers).join(','),
  }),
})
