import type { Claims, Json } from '../domain/claims.ts'
import { Refusal } from '../domain/refusal.ts'
import { type Secret, secret } from '../domain/secret.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import { clockDifference } from '../domain/time.ts'
import { encodeBase64url } from '../formats/base64url.ts'
import type { Ports } from '../ports/ports.ts'
import { type Keyring, signingKey } from './keyring.ts'

/** What is vouched for: a subject, to one audience, for a short time (RFC 7523 section 3). */
export interface Vouching {
  readonly subject: string
  readonly audience: string
  readonly ttl: Seconds
  /** Claims beside those of the token itself, which they cannot take the place of. */
  readonly claims?: Readonly<Record<string, Json>>
}

export interface VouchContext {
  /** Our issuer identifier. */
  readonly issuer: string
  readonly now: Instant
  readonly ports: Pick<Ports, 'ids' | 'signatures'>
}

const longest: Seconds = 3_600

/**
 * A JWT under our own key for a partner that trusts our issuer: an assertion (RFC 7523), a subject token, a web identity.
 * Its `typ` is `JWT`, so that nobody can take it for an access token of ours (RFC 8725 section 3.11), and it is never for
 * ourselves.
 *
 * @throws Refusal `signer.unavailable`; `internal` for what no setting may ask for
 */
export const vouch = async (
  { subject, audience, ttl, claims = {} }: Vouching,
  keyring: Keyring,
  { issuer, now, ports }: VouchContext,
): Promise<Secret<string>> => {
  const signer = signingKey(keyring, now)
  if (signer === undefined) throw new Refusal('signer.unavailable', 'no signing key is active')
  if (isOurs(audience, issuer)) throw new Refusal('internal', 'nothing is vouched for to ourselves')
  if (!(ttl > 0 && ttl <= longest)) throw new Refusal('internal', 'nothing is vouched for so long')
  const issuedAt = Math.floor(now)
  const header = { alg: signer.key.algorithm, typ: 'JWT', kid: signer.kid }
  const payload = {
    ...claims,
    iss: issuer,
    sub: subject,
    aud: audience,
    iat: issuedAt,
    nbf: issuedAt - clockDifference,
    exp: issuedAt + Math.floor(ttl),
    jti: ports.ids.next(),
  }
  const input = `${encoded(header)}.${encoded(payload)}`
  try {
    return secret(`${input}.${encodeBase64url(await ports.signatures.sign(signer.key, input))}`)
  } catch (cause) {
    throw new Refusal('signer.unavailable', `the signing key ${signer.kid} cannot sign`, { cause })
  }
}

/** Our issuer and everything below it. */
const isOurs = (audience: string, issuer: string): boolean => {
  const base = issuer.replace(/\/$/, '')
  return audience === base || audience.startsWith(`${base}/`)
}

const utf8 = new TextEncoder()
const encoded = (value: Claims): string => encodeBase64url(utf8.encode(JSON.stringify(value)))
