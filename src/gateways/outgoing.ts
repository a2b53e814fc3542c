import type { Outgoing } from './dialect.ts'

/**
 * What a request on its way out says of itself beside method, host and path. Who makes the request states the digest of
 * its content: where that is not true, the partner refuses the signature.
 *
 * @param target path and query, as they will be sent
 * @param names the header fields that a signature may be over, lower-case
 */
export const outgoingFrom = (
  target: string,
  names: Iterable<string>,
  field: (name: string) => string | undefined,
): Outgoing => {
  const query = target.indexOf('?')
  const headers = [...names].flatMap((name) => {
    const value = field(name)
    return value === undefined ? [] : [[name, value] as const]
  })
  const contentDigest = field('x-amz-content-sha256')
  return {
    sentPath: query < 0 ? target : target.slice(0, query),
    query: query < 0 ? '' : target.slice(query + 1),
    headers: Object.fromEntries(headers),
    ...(contentDigest !== undefined && digestGrammar.test(contentDigest) ? { contentDigest } : {}),
  }
}

/** Hexadecimal SHA-256, or that the content is not covered. */
export const digestGrammar = /^(?:[0-9a-f]{64}|UNSIGNED-PAYLOAD)$/
