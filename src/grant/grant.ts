import type { Rights } from '../domain/client.ts'
import type { VerifiedCredential } from '../domain/credential.ts'
import type { ExchangeRequest } from '../domain/exchange.ts'
import { type Allowance, type Grant, grantedAs } from '../domain/grant.ts'
import type { CanonicalIdentity } from '../domain/identity.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { type TokenType, tokenTypes } from '../domain/token-type.ts'
import type { Trace } from '../domain/trace.ts'
import { matcherOf } from '../formats/pattern.ts'

/** What is decided upon. */
export interface Petition {
  readonly request: ExchangeRequest
  readonly credential: VerifiedCredential
  readonly identity: CanonicalIdentity
  readonly allowance: Allowance
  readonly client: { readonly id: string; readonly rights: Rights }
}

/**
 * CanonicalIdentity -> Grant: what was asked, as far as rule and client both allow it. It only narrows: what is asked
 * beyond that is refused, never trimmed in silence, and nothing outlives the subject token (RFC 8693 section 2.1).
 *
 * @throws Refusal `target.*`, `scope.not_allowed`, `request.token_type_unsupported`, `credential.expired`
 */
export const grant = (petition: Petition, transaction: string, now: Instant, trace: Trace): Grant => {
  const { request, identity, allowance, client } = petition
  const tokenType = tokenTypeOf(request.requestedTokenType)
  const audience = audienceOf(request.targets, allowance, client.rights)
  const scope = scopeOf(request.scope, allowance, client.rights)
  const expiresAt = expiryOf(petition, now)
  trace.audience = audience
  trace.scope = scope
  trace.transaction = transaction
  return grantedAs({
    identity,
    client: client.id,
    audience,
    scope,
    issuedAt: now,
    expiresAt,
    transaction,
    release: allowance.release,
    tokenType,
  })
}

const tokenTypeOf = (requested: TokenType | undefined): TokenType => {
  const type = requested ?? tokenTypes.accessToken
  if (type === tokenTypes.accessToken || type === tokenTypes.jwt) return type
  throw new Refusal('request.token_type_unsupported', 'only access_token and jwt are issued')
}

const audienceOf = (targets: readonly string[], allowance: Allowance, rights: Rights): readonly string[] => {
  const byClient = matcherOf(rights.audiences)
  const asked = targets.length > 0 ? targets : soleAudience(allowance.audiences.filter(byClient))
  const byRule = matcherOf(allowance.audiences)
  const refused = asked.find((target) => !byRule(target) || !byClient(target))
  if (refused === undefined) return asked
  const whose = byRule(refused) ? 'the client' : 'the rule'
  throw new Refusal('target.not_allowed', `${whose} does not allow the audience ${JSON.stringify(refused)}`)
}

/** With no target named, the token is for the only one there is; with several, the caller must say which. */
const soleAudience = (allowed: readonly string[]): readonly string[] => {
  const [only] = allowed
  if (allowed.length === 1 && only !== undefined && !only.includes('*')) return [only]
  throw new Refusal('target.missing', `the rule and the client together allow ${allowed.length} audiences, not one`)
}

const scopeOf = (asked: readonly string[] | undefined, allowance: Allowance, rights: Rights): readonly string[] => {
  const byClient = matcherOf(rights.scopes)
  if (asked === undefined) return allowance.scopes.filter(byClient)
  const refused = asked.find((scope) => !allowance.scopes.includes(scope) || !byClient(scope))
  if (refused === undefined) return asked
  const whose = allowance.scopes.includes(refused) ? 'the client' : 'the rule'
  throw new Refusal('scope.not_allowed', `${whose} does not allow the scope ${JSON.stringify(refused)}`)
}

const expiryOf = ({ request, credential, allowance }: Petition, now: Instant): Instant => {
  const lifetime = Math.min(allowance.ttl, request.lifetime ?? allowance.ttl)
  const expiresAt = Math.floor(Math.min(now + lifetime, credential.expiresAt))
  if (expiresAt <= now) throw new Refusal('credential.expired', 'nothing is left of the lifetime of the subject token')
  return expiresAt
}
