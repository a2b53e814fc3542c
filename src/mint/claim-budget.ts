import type { Json } from '../domain/claims.ts'
import { Refusal } from '../domain/refusal.ts'
import { encodeTextBase64url } from '../formats/base64url.ts'

/**
 * How many characters the header and payload of a token may take, with the dot between them. Gateways carry tokens in
 * header fields, and the smallest of them leave room for little more than 2 kB. With the signature of a 2048-bit RSA
 * key this comes to 2043 characters, with one of ECDSA or EdDSA to less. An ML-DSA signature alone is larger than that,
 * so signatures are not counted.
 */
export const claimBudget = 1_700

/** A payload that fits. */
export interface Fitted {
  /** Encoded in base64url. */
  readonly payload: string
  /** The groups that had to stay outside. */
  readonly dropped: readonly Json[]
}

type TokenClaims = Readonly<Record<string, Json>>

/**
 * Encodes `claims` so that they fit the budget. When they do not, only the groups that `referenced` names stay.
 *
 * @throws Refusal `identity.too_large`
 */
export const fitClaims = (claims: TokenClaims, headerLength: number, referenced: ReadonlySet<string>): Fitted => {
  const room = claimBudget - headerLength - 1
  const payload = encode(claims)
  if (payload.length <= room) return { payload, dropped: [] }
  const { groups, ...others } = claims
  const [kept, dropped] = parted(isList(groups) ? groups : [], referenced)
  const slim = kept.length > 0 ? { ...others, groups: kept } : others
  const slimPayload = encode(slim)
  if (slimPayload.length <= room) return { payload: slimPayload, dropped }
  throw new Refusal('identity.too_large', excess(slim, slimPayload.length - room))
}

const parted = (
  groups: readonly Json[],
  referenced: ReadonlySet<string>,
): readonly [readonly Json[], readonly Json[]] => {
  const matters = (group: Json) => typeof group === 'string' && referenced.has(group)
  return [groups.filter(matters), groups.filter((group) => !matters(group))]
}

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)

const encode = (claims: TokenClaims): string => encodeTextBase64url(JSON.stringify(claims))

/** How much too large, and through which claims; their values stay unsaid. */
const excess = (claims: TokenClaims, characters: number): string => {
  const sizes = Object.entries(claims).map(([name, value]) => ({ name, size: encode({ [name]: value }).length }))
  const largest = sizes.toSorted((a, b) => b.size - a.size).slice(0, 3)
  const culprits = largest.map(({ name, size }) => `${name} (${size})`).join(', ')
  return `the token is ${characters} characters over its budget of ${claimBudget}; the largest claims are ${culprits}`
}
