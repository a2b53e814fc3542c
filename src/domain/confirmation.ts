/** The key that a token is bound to (RFC 7800 section 3.1, RFC 8705 section 3.1, RFC 9449 section 6.1). */
export type Confirmation = { readonly 'x5t#S256': string } | { readonly jkt: string }
