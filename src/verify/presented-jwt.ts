import type { Claims } from '../domain/claims.ts'
import type { Credential } from '../domain/credential.ts'
import { Refusal } from '../domain/refusal.ts'
import { FormatError } from '../formats/format-error.ts'
import { type CompactJws, claimsOf, parseCompactJws } from '../formats/jws.ts'

/** A signed JWT taken apart. Nothing in it is believed. */
export interface ParsedJwt {
  readonly jws: CompactJws
  readonly claims: Claims
}

/** Several kinds of credential look at the same token to see whose it is; it is taken apart once. */
const tokens = new WeakMap<Credential, ParsedJwt>()

const maxLength = 16_384

/** @throws Refusal `credential.too_large` */
export const requireTokenLength = (raw: string): void => {
  if (raw.length > maxLength) throw new Refusal('credential.too_large', `more than ${maxLength} characters`)
}

/**
 * The header and claims of a credential that is a compact JWS of JSON.
 *
 * @throws Refusal `credential.too_large`, `credential.malformed`
 */
export const presentedJwt = (credential: Credential): ParsedJwt => {
  const known = tokens.get(credential)
  if (known !== undefined) return known
  const token = takeApart(credential.raw.reveal())
  tokens.set(credential, token)
  return token
}

const takeApart = (raw: string): ParsedJwt => {
  requireTokenLength(raw)
  try {
    const jws = parseCompactJws(raw)
    return { jws, claims: claimsOf(jws) }
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new Refusal('credential.malformed', cause.message, { cause })
  }
}
