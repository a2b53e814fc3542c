import type { Claims } from '../domain/claims.ts'
import { Refusal } from '../domain/refusal.ts'
import { claim } from './claim-shapes.ts'
import type { OidcConfig, TokenForm } from './oidc-config.ts'

/**
 * Keeps the kinds of JWT apart, so that none can stand in for another (RFC 8725 sections 3.11 and 3.12). Explicit
 * types decide first; tokens without one are told apart by the claims that only one kind has.
 */

const mismatch = (detail: string) => new Refusal('credential.type_mismatch', detail)

/** Claims by which logout tokens, security events, proofs, introspection answers and status lists give themselves away. */
const foreignMarks = ['events', 'htm', 'htu', 'token_introspection', 'status_list', 'sub_id', 'req_wl', 'rctx'] as const

/** Claims that only an ID token has (OpenID Connect Core sections 2 and 3.3.2.11). */
const idTokenMarks = ['nonce', 'at_hash', 'c_hash', 's_hash'] as const

/** Claims that only an access token has (RFC 9068 section 2.2, and the `scp` of Entra and Okta). */
const accessTokenMarks = ['scope', 'scp', 'client_id'] as const

/** The `typ` header without case and without the prefix that may be left out (RFC 7515 section 4.1.9). */
export const headerType = (header: Claims): string | undefined => {
  const typ = claim(header, 'typ')
  if (typ === undefined) return undefined
  if (typeof typ !== 'string') throw new Refusal('credential.malformed', 'typ is not a text')
  const lower = typ.toLowerCase()
  return lower.startsWith('application/') ? lower.slice('application/'.length) : lower
}

/** The form that a token has by its own marks; undefined when it has none. */
const markedForm = (typ: string | undefined, claims: Claims): TokenForm | undefined => {
  const isIdToken = hasAny(claims, idTokenMarks) || claim(claims, 'typ') === 'ID' || claim(claims, 'token_use') === 'id'
  const isAccessToken =
    typ === 'at+jwt' ||
    hasAny(claims, accessTokenMarks) ||
    claim(claims, 'typ') === 'Bearer' ||
    claim(claims, 'token_use') === 'access'
  if (isIdToken && isAccessToken) throw mismatch('the token has marks of an ID token and of an access token')
  if (isIdToken) return 'id_token'
  return isAccessToken ? 'access_token' : undefined
}

const hasAny = (claims: Claims, names: readonly string[]) => names.some((name) => claim(claims, name) !== undefined)

/**
 * Refuses a token that is not of the form it was declared to be, or of a form that the map does not accept. Returns
 * the form by which its `azp` is to be judged.
 *
 * @throws Refusal `credential.type_mismatch`, `credential.type_unsupported`
 */
export const checkTokenForm = (declared: TokenForm, header: Claims, claims: Claims, config: OidcConfig): TokenForm => {
  if (!config.types.includes(declared))
    throw new Refusal('credential.type_unsupported', `the map does not accept ${declared} from this issuer`)
  const typ = headerType(header)
  checkHeaderType(declared, typ, config)
  const mark = foreignMarks.find((name) => claim(claims, name) !== undefined)
  if (mark !== undefined) throw mismatch(`a token with ${mark} is of another kind`)
  checkMember(claims, 'typ', ['Bearer', 'ID', 'JWT'])
  checkMember(claims, 'token_use', ['id', 'access'])
  if (claim(claims, 'iss') === claim(claims, 'sub')) throw mismatch('a token whose iss is its sub is an assertion')
  const form = markedForm(typ, claims)
  if (declared === 'access_token' && form !== 'access_token') throw mismatch('the token has no mark of an access token')
  if (declared === 'id_token' && form === 'access_token') throw mismatch('the token is an access token')
  if (form !== undefined && !config.types.includes(form))
    throw new Refusal('credential.type_unsupported', `the map does not accept ${form} from this issuer`)
  return form ?? 'id_token'
}

const checkHeaderType = (declared: TokenForm, typ: string | undefined, config: OidcConfig): void => {
  if (typ === undefined || typ === 'jwt') return
  if (typ === 'at+jwt' && declared !== 'id_token') return
  if (config.headerTypes?.some((accepted) => accepted.toLowerCase() === typ)) return
  throw mismatch(`typ ${JSON.stringify(typ.slice(0, 40))} is not that of a ${declared}`)
}

const checkMember = (claims: Claims, name: string, accepted: readonly string[]): void => {
  const value = claim(claims, name)
  if (value !== undefined && !accepted.some((one) => one === value))
    throw mismatch(`${name} names another kind of token`)
}
