import { appraise } from './appraise.ts'
import { authenticate } from './authenticate/authenticate.ts'
import type { Desk } from './desk.ts'
import type { ExchangeRequest } from './domain/exchange.ts'
import type { IssuedToken } from './domain/token.ts'
import type { Trace } from './domain/trace.ts'
import { exchangeOutward } from './egress-exchange.ts'
import { grant } from './grant/grant.ts'
import { mint } from './mint/mint.ts'

/**
 * The journey: a credential goes in, a canonical token comes out; or, where the audience is a partner's, what that partner
 * accepts. Each step turns one noun into the next, and only that step can make it, so none can be left out.
 *
 * @throws Refusal with the reason why not
 */
export const exchange = async (request: ExchangeRequest, desk: Desk, trace: Trace): Promise<IssuedToken> => {
  const { clock, ids } = desk.ports
  const now = clock.now()
  trace.version = desk.trust.version

  const client = await authenticate(request.client, desk.registrations, now, desk, trace)
  const partner = desk.partners.asked(request.targets)
  if (partner !== undefined) return exchangeOutward(request, client, partner, desk, now, trace)
  const appraisal = await appraise(request, client, desk, now, trace)
  const granted = grant({ ...appraisal, request, client }, ids.next(), now, trace)
  const { issuer, trustDomain, ports, trust } = desk
  return mint(granted, desk.keyring(), { issuer, trustDomain, now, ports, trust }, trace)
}
