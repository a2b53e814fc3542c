/** The syntax of names in certificates (RFC 5280 sections 4.2.1.6 and 4.2.1.10). All of it is ASCII. */

const label = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/
/** In the host of a URI, where SPIFFE trust domains stand too, an underscore is allowed. */
const looseLabel = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/

/** A host in the preferred name syntax (RFC 1034 section 3.5, RFC 1123 section 2.1): so an IPv4 address is none. */
export const isHost = (text: string): boolean => isLabels(text, label) && !/(?:^|\.)\d+$/.test(text)

/** The host of a URI that a name constraint can be about. */
export const isUriHost = (text: string): boolean => isLabels(text, looseLabel) && !/(?:^|\.)\d+$/.test(text)

const isLabels = (text: string, pattern: RegExp): boolean =>
  text.length <= 253 && text.split('.').every((each) => pattern.test(each))

/** A dNSName: a host, or all hosts one label below one (RFC 9525 section 6.3). */
export const isDnsName = (text: string): boolean => {
  const host = text.startsWith('*.') ? text.slice(2) : text
  return isHost(host)
}

/** A Mailbox (RFC 5321 section 4.1.2), without quoted local parts and literal addresses. */
export const isMailbox = (text: string): boolean => {
  const at = text.indexOf('@')
  return at > 0 && at <= 64 && localPart.test(text.slice(0, at)) && isHost(text.slice(at + 1))
}

const localPart = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/

/** An absolute URI (RFC 3986 section 4.3), by its alphabet: scheme and scheme-specific part. */
export const isUri = (text: string): boolean => uri.test(text)

const uri = /^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/

/**
 * The host of an absolute URI in lower case (RFC 3986 section 3.2); undefined when it has none, or an address, or when
 * readers could disagree about where it begins.
 */
export const hostOfUri = (text: string): string | undefined => {
  const authority = /^[^:/?#]+:\/\/([^/?#]*)/.exec(text)?.[1]
  if (authority === undefined || authority.indexOf('@') !== authority.lastIndexOf('@')) return undefined
  const host = authority.slice(authority.indexOf('@') + 1).replace(/:\d*$/, '')
  return isUriHost(host) ? host.toLowerCase() : undefined
}
