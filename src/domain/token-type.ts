/** Token type identifiers (RFC 8693 section 3). Kinds are open: any URI may name one. */
export type TokenType = string

const rfc8693 = 'urn:ietf:params:oauth:token-type:'

export const tokenTypes = {
  accessToken: `${rfc8693}access_token`,
  idToken: `${rfc8693}id_token`,
  jwt: `${rfc8693}jwt`,
  saml2: `${rfc8693}saml2`,
  /** A certificate chain, leaf first: PEM, or base64 DER joined by commas. Ours; nobody has registered one. */
  x509Chain: 'urn:dragoman:token-type:x509-chain',
  /** A JWT-SVID of our own trust domain. */
  jwtSvid: 'urn:dragoman:token-type:jwt-svid',
} as const
