/** The key that a token or a credential is bound to (RFC 7800 section 3.1): so far a certificate (RFC 8705 section 3.1). */
export interface Confirmation {
  readonly 'x5t#S256': string
}
