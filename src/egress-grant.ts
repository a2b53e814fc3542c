import { type Appraisal, appraise } from './appraise.ts'
import type { Desk } from './desk.ts'
import type { Client } from './domain/client.ts'
import type { Wish } from './domain/exchange.ts'
import type { Allowance, Grant } from './domain/grant.ts'
import type { Instant } from './domain/time.ts'
import type { Trace } from './domain/trace.ts'
import { grant } from './grant/grant.ts'
import { mint } from './mint/mint.ts'
import { requireAllowed } from './obtain/allow.ts'
import type { Petition } from './obtain/obtain.ts'
import type { PreparedPartner } from './obtain/prepared-partner.ts'

/** CanonicalIdentity -> Grant, for the one partner: who it is decides whether, the partner's document what. */
export const permitted = async (
  wish: Wish,
  client: Client,
  partner: PreparedPartner,
  desk: Desk,
  now: Instant,
  trace: Trace,
): Promise<{ readonly appraisal: Appraisal; readonly granted: Grant }> => {
  const appraisal = await appraise(wish, client, desk, now, trace)
  requireAllowed(partner, applicantOf(wish, client, appraisal), now, trace)
  const allowance = allowanceAt(partner, appraisal.allowance)
  const granted = grant({ ...appraisal, allowance, request: wish, client }, desk.ports.ids.next(), now, trace)
  return { appraisal, granted }
}

const applicantOf = ({ gateway }: Wish, client: Client, { identity }: Appraisal) => ({
  identity,
  client,
  ...(gateway === undefined ? {} : { request: gateway.request, gateway: gateway.name }),
})

/**
 * What is granted at the way out is the one partner and nothing of ours: for how long, the rule says, and what may leave,
 * the partner's document.
 */
const allowanceAt = (partner: PreparedPartner, { ttl, scopes }: Allowance): Allowance => ({
  audiences: [partner.audience],
  scopes,
  ttl,
  release: partner.release,
  profiles: ['access-token'],
  senderConstraint: 'none',
})

/** A token of ours is made only where it is what the partner accepts. */
export const petitionFor = (granted: Grant, desk: Desk, now: Instant, trace: Trace): Petition => {
  const { issuer, trustDomain, ports, trust } = desk
  return {
    grant: granted,
    mint: (own) => mint(own, desk.keyring(), { issuer, trustDomain, now, ports, trust }, trace),
  }
}
