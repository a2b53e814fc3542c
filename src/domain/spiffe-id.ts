declare const parsed: unique symbol

/** A SPIFFE ID (SPIFFE-ID section 2). There is none that was not parsed. */
export interface SpiffeId {
  readonly [parsed]: true
  /** The whole of it, as it was written; two IDs are the same when these are. */
  readonly text: string
  readonly trustDomain: string
  /** Empty, or segments that each begin with a slash. */
  readonly path: string
}

const scheme = 'spiffe://'

/** What must be supported at least is here what is supported at most (SPIFFE-ID section 2.3). */
const maxLength = 2_048
const maxTrustDomainLength = 255

const trustDomainName = /^[a-z0-9._-]+$/
const segment = /^[a-zA-Z0-9._-]+$/

/** Is this the name of a trust domain (SPIFFE-ID section 2.1)? */
export const isTrustDomain = (name: string): boolean =>
  name.length <= maxTrustDomainLength && trustDomainName.test(name)

/**
 * A SPIFFE ID from its text; undefined when it is none. IDs are taken in their one spelling only: an upper-case scheme or
 * trust domain would be equal to a URI parser and different to every list that IDs are compared with.
 */
export const parseSpiffeId = (text: string): SpiffeId | undefined => {
  if (text.length > maxLength || !text.startsWith(scheme)) return undefined
  const slash = text.indexOf('/', scheme.length)
  const trustDomain = text.slice(scheme.length, slash < 0 ? text.length : slash)
  const path = slash < 0 ? '' : text.slice(slash)
  if (!isTrustDomain(trustDomain) || !isPath(path)) return undefined
  return { text, trustDomain, path } as SpiffeId
}

/** Nothing, or segments that are neither empty nor relative (SPIFFE-ID section 2.2). */
const isPath = (path: string): boolean =>
  path === '' ||
  path
    .slice(1)
    .split('/')
    .every((one) => segment.test(one) && one !== '.' && one !== '..')

/** Does `text` mean to be a SPIFFE ID, well-formed or not? What does is judged as one and as nothing else. */
export const claimsToBeSpiffeId = (text: string): boolean => /^spiffe:/i.test(text)

/** The ID of a trust domain itself, which is how an issuer of SVIDs is named. */
export const trustDomainId = (trustDomain: string): string => `${scheme}${trustDomain}`
