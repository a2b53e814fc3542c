import { FormatError } from '../formats/format-error.ts'
import { getJson, type JsonDocument, StatusError } from './json-document.ts'
import type { Outbound } from './outbound.ts'

/** Where an issuer describes itself. */
export interface DiscoveryPlace {
  readonly issuer: string
  /** When it is not at the issuer's well-known place. */
  readonly discoveryURL?: string
  readonly allowHosts: readonly string[]
}

/**
 * Reads an issuer's metadata: OpenID Connect Discovery 1.0 section 4, or RFC 8414 section 3 where that is not found.
 * The document must say that it is this issuer's, to the letter (section 4.3): it says where the keys are, so one that
 * speaks for another issuer is worth nothing.
 *
 * @throws OutboundError, StatusError, FormatError
 */
export const discover = async (place: DiscoveryPlace, outbound: Outbound): Promise<JsonDocument> => {
  const document = await firstFound(placesOf(place), place.allowHosts, outbound)
  if (document.members['issuer'] !== place.issuer)
    throw new FormatError(`the discovery document of ${new URL(place.issuer).host} names another issuer`)
  return document
}

/**
 * The endpoint that `document` names under `member`.
 *
 * @throws FormatError when it names none
 */
export const endpointOf = (document: JsonDocument, member: 'jwks_uri' | 'introspection_endpoint'): string => {
  const url = document.members[member]
  if (typeof url !== 'string' || url === '') throw new FormatError(`the discovery document has no ${member}`)
  return url
}

const placesOf = ({ issuer, discoveryURL }: DiscoveryPlace): readonly string[] => {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined
  if (url === undefined || /[?#]/.test(issuer))
    throw new FormatError('the issuer is not a URL without query and fragment')
  if (discoveryURL !== undefined) return [discoveryURL]
  const path = url.pathname.replace(/\/$/, '')
  return [
    `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    `${url.origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

const firstFound = async (
  [first = '', ...others]: readonly string[],
  allowHosts: readonly string[],
  outbound: Outbound,
): Promise<JsonDocument> => {
  try {
    return await getJson(first, { allowHosts }, outbound)
  } catch (error) {
    if (others.length === 0 || !(error instanceof StatusError && error.status === 404)) throw error
    return firstFound(others, allowHosts, outbound)
  }
}
