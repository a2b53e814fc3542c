/** What a client may do, from its Client document. Every list holds exact values or globs; an empty list allows nothing. */
export interface Rights {
  /** Names of the trust maps whose credentials it may present as subject_token. */
  readonly sources: readonly string[]
  readonly audiences: readonly string[]
  readonly scopes: readonly string[]
  /**
   * It may present certificates whose keys it does not hold itself, and so vouches that their holders have proven
   * themselves to it: a gateway. Everybody else presents the certificate of its own connection only.
   */
  readonly presentCertificates?: boolean
  /** The audiences whose tokens it may ask about (RFC 7662 section 2.1). Absent: none. */
  readonly introspect?: readonly string[]
}

declare const authenticated: unique symbol

/** A caller that has proven who it is (RFC 6749 section 2). */
export interface Client {
  readonly [authenticated]: true
  readonly id: string
  /** token_endpoint_auth_method (RFC 8414 section 2). */
  readonly method: string
  readonly rights: Rights
}

/**
 * States that a client is authenticated. Called by `authenticate/`, by `gateways/gateway-decisions.ts` of gateways, which
 * prove themselves before they are heard, and by rehearsals; nowhere else.
 */
export const authenticatedAs = (fields: Omit<Client, typeof authenticated>): Client => fields as Client
