import type { Desk } from './desk.ts'
import type { Client } from './domain/client.ts'
import type { ExchangeRequest } from './domain/exchange.ts'
import type { PartnerCredential } from './domain/partner.ts'
import { Refusal } from './domain/refusal.ts'
import type { Instant } from './domain/time.ts'
import type { IssuedToken } from './domain/token.ts'
import type { TokenType } from './domain/token-type.ts'
import type { Trace } from './domain/trace.ts'
import { permitted, petitionFor } from './egress-grant.ts'
import { matcherOf } from './formats/pattern.ts'
import type { PreparedPartner } from './obtain/prepared-partner.ts'

/**
 * The way out at the token endpoint, where a client asks for the token of a partner by the partner's audience (RFC 8693
 * section 2.1). `issued_token_type` tells what came back.
 *
 * @throws Refusal with the reason why not
 */
export const exchangeOutward = async (
  request: ExchangeRequest,
  client: Client,
  partner: PreparedPartner,
  desk: Desk,
  now: Instant,
  trace: Trace,
): Promise<IssuedToken> => {
  trace.partner = partner.name
  if (!matcherOf(client.rights.audiences)(partner.audience))
    throw new Refusal('target.not_allowed', `the client does not allow the audience of ${partner.name}`)
  const { requestedTokenType: wanted, scope, ...wish } = request
  if (scope !== undefined) requireScopes(scope, partner)
  const { granted } = await permitted(wish, client, partner, desk, now, trace)
  const petition = { ...petitionFor(granted, desk, now, trace), ...(scope && { scopes: scope }) }
  const credential = await desk.obtaining.obtain(partner, petition, now, trace)
  return handedOut(credential, partner, wanted, now)
}

/** Only what the partner's document asks for anyway can be asked for by itself. */
const requireScopes = (asked: readonly string[], { name, credential: { obtainer, config } }: PreparedPartner): void => {
  const known = obtainer.scopes?.(config) ?? []
  const refused = asked.find((scope) => !known.includes(scope))
  if (refused !== undefined)
    throw new Refusal('scope.not_allowed', `${name} is not asked for the scope ${JSON.stringify(refused)}`)
}

/** @throws Refusal `partner.not_carriable`, `request.token_type_unsupported`, `partner.invalid_answer` */
const handedOut = (
  { token, parts, id, goodUntil }: PartnerCredential,
  { name }: PreparedPartner,
  wanted: TokenType | undefined,
  now: Instant,
): IssuedToken => {
  if (token === undefined) throw new Refusal('partner.not_carriable', `what ${name} accepts is not a token`)
  if (wanted !== undefined && wanted !== token.type)
    throw new Refusal('request.token_type_unsupported', `what ${name} accepts is of the type ${token.type}`)
  const value = parts[token.part]
  if (value === undefined || token.scheme === 'DPoP')
    throw new Refusal('partner.invalid_answer', `what ${name} answers cannot be handed out`)
  const expiresAt = Math.floor(goodUntil)
  return {
    value,
    id,
    type: token.type,
    scheme: token.scheme,
    scope: token.scope ?? [],
    expiresAt,
    expiresIn: Math.max(0, expiresAt - Math.floor(now)),
  }
}
