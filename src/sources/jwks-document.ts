import type { Claims } from '../domain/claims.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import type { Files } from '../ports/files.ts'
import { discover, endpointOf } from './discovery.ts'
import { getJson, type JsonDocument, readJsonObject } from './json-document.ts'
import type { Outbound } from './outbound.ts'

/** Where an issuer's or a client's public keys come from: exactly one of `issuer` (by discovery), `jwksURI`, `jwksFile`, `jwks`. */
export interface JwksPlace {
  /** Keys by discovery; the document's `issuer` must equal this exactly. */
  readonly issuer?: string
  /** Where the discovery document lies, when not at the issuer's well-known place. */
  readonly discoveryURL?: string
  readonly jwksURI?: string
  readonly jwksFile?: string
  readonly jwks?: Claims
  /** Hosts that may be reached although they resolve to a private address. */
  readonly allowHosts: readonly string[]
}

/** A file costs nothing to read again; an operator who replaces it does not want to wait. */
const fileFreshness: Seconds = 60

/**
 * How to get the JWK set (RFC 7517 section 5) from its place. What it returns throws OutboundError, StatusError,
 * FormatError or what the files port throws.
 *
 * @throws Error when `place` names no place or several
 */
export const jwksGetter = (
  place: JwksPlace,
  tools: { readonly files: Pick<Files, 'read'>; readonly outbound: Outbound },
): ((now: Instant) => Promise<JsonDocument>) => {
  const { issuer, jwksURI, jwksFile, jwks, allowHosts } = place
  if ([issuer, jwksURI, jwksFile, jwks].filter((given) => given !== undefined).length !== 1)
    throw new Error('a key set has exactly one place')
  if (jwks !== undefined) return async () => ({ members: jwks, freshFor: Number.POSITIVE_INFINITY })
  if (jwksFile !== undefined)
    return async () => ({ members: readJsonObject(await tools.files.read(jwksFile)), freshFor: fileFreshness })
  if (jwksURI !== undefined) return () => getJson(jwksURI, { allowHosts }, tools.outbound)
  return byDiscovery({ ...place, issuer: issuer ?? '' }, tools.outbound)
}

/**
 * Keys by way of the issuer's metadata. Without valid metadata there are no new keys: an issuer that contradicts itself
 * is in trouble, and what is known lasts no longer than the outage budget.
 */
const byDiscovery = (place: JwksPlace & { readonly issuer: string }, outbound: Outbound) => {
  let found: { readonly url: string; readonly until: Instant } | undefined
  return async (now: Instant): Promise<JsonDocument> => {
    if (found === undefined || now >= found.until) {
      const document = await discover(place, outbound)
      found = { url: endpointOf(document, 'jwks_uri'), until: now + document.freshFor }
    }
    try {
      return await getJson(found.url, { allowHosts: place.allowHosts }, outbound)
    } catch (error) {
      found = undefined
      throw error
    }
  }
}
