import type { Outgoing } from './dialect.ts'

/** The header fields that a signature may be over, where they are there. */
const signable = ['accept', 'content-digest', 'content-length', 'content-type', 'date', 'idempotency-key']

/**
 * What a request on its way out says of itself beside method, host and path. Who makes the request states the digest of
 * its content: where that is not true, the partner refuses the signature.
 *
 * @param target path and query, as they will be sent
 */
export const outgoingFrom = (target: string, field: (name: string) => string | undefined): Outgoing => {
  const query = target.indexOf('?')
  const headers = signable.flatMap((name) => {
    const value = field(name)
    return value === undefined ? [] : [[name, value] as const]
  })
  const contentDigest = field('x-amz-content-sha256')
  return {
    query: query < 0 ? '' : target.slice(query + 1),
    headers: Object.fromEntries(headers),
    ...(contentDigest !== undefined && digestGrammar.test(contentDigest) ? { contentDigest } : {}),
  }
}

/** Hexadecimal SHA-256, or that the content is not covered. */
export const digestGrammar = /^(?:[0-9a-f]{64}|UNSIGNED-PAYLOAD)$/
