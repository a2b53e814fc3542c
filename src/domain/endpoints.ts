/** Where things are, below our issuer. */
export const paths = {
  token: '/token',
  introspection: '/introspect',
  jwks: '/jwks.json',
  spiffeBundle: '/spiffe/bundle.json',
  /** What follows is the name of a gateway, and after another slash whatever the gateway adds. */
  authz: '/authz/',
  /** The same, for requests on their way out. */
  egress: '/egress/',
  egressDescribed: '/v1/egress',
  egressInvalidation: '/v1/egress/invalidate',
  oauthMetadata: '/.well-known/oauth-authorization-server',
  openidMetadata: '/.well-known/openid-configuration',
} as const

/** The URL of `path` below `issuer`, whether that ends in a slash or not. */
export const below = (issuer: string, path: string): string => `${issuer.replace(/\/$/, '')}${path}`
