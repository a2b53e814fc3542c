import { type KeyObject, sign } from 'node:crypto'

/** What the bench presents, signed as fast as the platform can. */
export interface Signing {
  readonly alg: 'RS256' | 'ES256'
  readonly kid: string
  readonly key: KeyObject
}

/** A compact JWS of `claims` (RFC 7515 section 7.1). */
export const signJwt = (signing: Signing, claims: Readonly<Record<string, unknown>>): string => {
  const input = `${encoded({ alg: signing.alg, typ: 'JWT', kid: signing.kid })}.${encoded(claims)}`
  const signature = sign('sha256', Buffer.from(input), { key: signing.key, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
