import type { Rights } from '../domain/client.ts'
import type { Confirmation } from '../domain/confirmation.ts'
import type { VerifiedCredential } from '../domain/credential.ts'
import type { Delegation } from '../domain/delegation.ts'
import type { Wish } from '../domain/exchange.ts'
import { type Allowance, type Grant, grantedAs, type Profile } from '../domain/grant.ts'
import type { CanonicalIdentity } from '../domain/identity.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { type TokenType, tokenTypes } from '../domain/token-type.ts'
import type { Trace } from '../domain/trace.ts'
import { matcherOf } from '../formats/pattern.ts'
import { delegationOf, requireActsItself } from './delegation.ts'
import { requireNarrower } from './narrowing.ts'
import { onwardOf } from './onward.ts'

/** What is decided upon. */
export interface Petition {
  readonly request: Wish
  readonly credential: VerifiedCredential
  readonly identity: CanonicalIdentity
  readonly allowance: Allowance
  readonly client: { readonly id: string; readonly rights: Rights }
  /** What the party has proven that acts for the subject, where the rule makes it a delegation. */
  readonly actor?: { readonly type: TokenType; readonly credential: VerifiedCredential }
}

/**
 * CanonicalIdentity -> Grant: what was asked, as far as rule and client both allow it. It only narrows: what is asked
 * beyond that is refused, never trimmed in silence, and nothing outlives the subject token (RFC 8693 section 2.1) or the
 * credential of who acts. A token of ours that is presented bounds all that is issued for it, and keeps its transaction.
 *
 * @throws Refusal `target.*`, `scope.not_allowed`, `request.token_type_unsupported`, `certificate.missing`,
 *   `credential.expired`, `credential.onward_forbidden`, `identity.widened`, `actor.invalid`
 */
export const grant = (petition: Petition, transaction: string, now: Instant, trace: Trace): Grant => {
  const { request, credential, identity, allowance, client, actor } = petition
  const tokenType = request.requestedTokenType ?? tokenTypes.accessToken
  if (credential.own !== undefined) requireNarrower(identity, credential.own.identity)
  if (actor !== undefined) requireActsItself(actor.credential)
  const delegation = delegationOf(identity, credential, client)
  const profile = profileOf(tokenType, allowance, delegation)
  const confirmation = confirmationOf(petition, profile)
  const audience = audienceOf(request.targets, allowance, client.rights)
  const onward = onwardOf(audience, actor === undefined ? [credential] : [credential, actor.credential])
  const scope = scopeOf(request.scope, profile, petition)
  const expiresAt = expiryOf(petition, now)
  trace.audience = audience
  trace.scope = scope
  trace.transaction = credential.own?.transaction ?? transaction
  if (delegation !== undefined) trace.actorDepth = delegation.chain.length
  return grantedAs({
    identity,
    client: client.id,
    audience,
    scope,
    issuedAt: now,
    expiresAt,
    transaction: trace.transaction,
    release: allowance.release,
    tokenType,
    profile,
    ...(confirmation === undefined ? {} : { confirmation }),
    ...(delegation === undefined ? {} : { delegation }),
    ...(onward === undefined ? {} : { onward }),
  })
}

const profiles: ReadonlyMap<TokenType, Profile> = new Map([
  [tokenTypes.accessToken, 'access-token'],
  [tokenTypes.jwt, 'access-token'],
  [tokenTypes.jwtSvid, 'jwt-svid'],
])

const profileOf = (tokenType: TokenType, allowance: Allowance, delegation: Delegation | undefined): Profile => {
  const profile = profiles.get(tokenType)
  if (profile === undefined)
    throw new Refusal('request.token_type_unsupported', `only ${[...profiles.keys()].join(', ')} are issued`)
  if (!allowance.profiles.includes(profile))
    throw new Refusal('request.token_type_unsupported', `the rule does not allow the profile ${profile}`)
  if (profile === 'jwt-svid' && delegation !== undefined)
    throw new Refusal('request.token_type_unsupported', 'a JWT-SVID cannot say who acts for its subject')
  return profile
}

/**
 * The certificate that the token is bound to: that of the request where the rule wants it so, and that of a bound
 * subject or actor token in any case, since an exchange must not make a bearer token of it. What a certificate as subject
 * token is bound to is its own key, and it is for the rule to say whether what comes of it is, too.
 */
const confirmationOf = (petition: Petition, profile: Profile): Confirmation | undefined => {
  const { request, allowance } = petition
  const confirmation = allowance.senderConstraint === 'mtls' ? presented(request) : inherited(petition)
  if (confirmation !== undefined && profile === 'jwt-svid')
    throw new Refusal('request.token_type_unsupported', 'a JWT-SVID is a bearer token and cannot be bound')
  return confirmation
}

const presented = ({ certificate }: Wish): Confirmation => {
  if (certificate === undefined)
    throw new Refusal('certificate.missing', 'the rule binds tokens to a client certificate and none was presented')
  return { 'x5t#S256': certificate.thumbprint }
}

const inherited = ({ request, credential, actor }: Petition): Confirmation | undefined =>
  ofToken(request.subject.type, credential) ?? (actor && ofToken(actor.type, actor.credential))

const ofToken = (type: TokenType, { confirmation }: VerifiedCredential): Confirmation | undefined =>
  type === tokenTypes.x509Chain ? undefined : confirmation

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

const scopeOf = (
  asked: readonly string[] | undefined,
  profile: Profile,
  { allowance, client, credential }: Petition,
): readonly string[] => {
  if (profile === 'jwt-svid') return noScope(asked)
  const bounds = [
    { whose: 'the rule', allows: (scope: string) => allowance.scopes.includes(scope) },
    { whose: 'the client', allows: matcherOf(client.rights.scopes) },
    { whose: 'the token that is presented', allows: (scope: string) => credential.own?.scope.includes(scope) ?? true },
  ]
  if (asked === undefined) return allowance.scopes.filter((scope) => bounds.every(({ allows }) => allows(scope)))
  for (const scope of asked)
    for (const { whose, allows } of bounds)
      if (!allows(scope))
        throw new Refusal('scope.not_allowed', `${whose} does not allow the scope ${JSON.stringify(scope)}`)
  return asked
}

/** A JWT-SVID says who somebody is; it cannot carry what they may do. */
const noScope = (asked: readonly string[] = []): readonly string[] => {
  if (asked.length > 0) throw new Refusal('scope.not_allowed', 'a JWT-SVID has no scope')
  return asked
}

const expiryOf = ({ request, credential, actor, allowance }: Petition, now: Instant): Instant => {
  const lifetime = Math.min(allowance.ttl, request.lifetime ?? allowance.ttl)
  const ends = actor === undefined ? [credential.expiresAt] : [credential.expiresAt, actor.credential.expiresAt]
  const expiresAt = Math.floor(Math.min(now + lifetime, ...ends))
  if (expiresAt <= now) throw new Refusal('credential.expired', 'nothing is left of the lifetime of the subject token')
  return expiresAt
}
