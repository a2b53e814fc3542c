import { authenticate } from './authenticate/authenticate.ts'
import type { Desk } from './desk.ts'
import type { Claims } from './domain/claims.ts'
import type { ClientCredential } from './domain/exchange.ts'
import type { Secret } from './domain/secret.ts'
import type { Trace } from './domain/trace.ts'
import { matcherOf } from './formats/pattern.ts'
import { ownAccessToken } from './mint/own-token.ts'

/** Who asks about which token. */
export interface IntrospectionRequest {
  readonly client: ClientCredential
  readonly token: Secret<string>
}

/**
 * What there is to say about a token of ours to a client that may ask about tokens for its audience (RFC 7662 section
 * 2.2). Undefined stands for `active: false`, and says no more than that: not whose the token is, nor why.
 *
 * @throws Refusal `client.*`
 */
export const introspect = async (
  { client: credential, token }: IntrospectionRequest,
  desk: Desk,
  trace: Trace,
): Promise<Claims | undefined> => {
  const now = desk.ports.clock.now()
  const client = await authenticate(credential, desk.registrations, now, desk, trace)
  const { issuer, ownKeys: keys, ports } = desk
  const claims = await ownAccessToken(token.reveal(), { issuer, keys, now, signatures: ports.signatures })
  if (claims === undefined) return undefined
  const mayAsk = matcherOf(client.rights.introspect ?? [])
  return [claims['aud']].flat().some((audience) => typeof audience === 'string' && mayAsk(audience))
    ? claims
    : undefined
}
