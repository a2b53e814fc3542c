import { appraise } from './appraise.ts'
import type { Desk } from './desk.ts'
import { type Allowed, decidedAs, type Permission, type ShownIdentity, type Unidentified } from './domain/decision.ts'
import type { Wish } from './domain/exchange.ts'
import type { Grant } from './domain/grant.ts'
import { Refusal } from './domain/refusal.ts'
import type { Instant } from './domain/time.ts'
import { certificateRecord, type Trace } from './domain/trace.ts'
import { type Asker, admitted, certificateStatedBy, type OpenGateway } from './gateways/client-certificate.ts'
import { canLast, type Made, premisesOf } from './gateways/decisions-kept.ts'
import type { Question } from './gateways/dialect.ts'
import { type Route, routeFor } from './gateways/gateway-decisions.ts'
import { requireTellable } from './gateways/http-dialect.ts'
import { credentialOf, isPreflight, preflightOf } from './gateways/presented-credential.ts'
import { partyOf, requireRoom } from './gateways/rate-limits.ts'
import { grant } from './grant/grant.ts'
import { mayEnter } from './mint/access-token.ts'
import { reusableUnder } from './mint/keyring.ts'
import { mint } from './mint/mint.ts'

/**
 * The gateway that asks, which has proven to be the one.
 *
 * @throws Refusal `gateway.*`, `keys.unavailable`
 */
export const admit = (asker: Asker, { gateways }: Desk, now: Instant, trace: Trace): Promise<OpenGateway> =>
  admitted(asker, gateways.open, now, trace)

/**
 * The journey of a request that a gateway asks about: which route speaks for it, whose it is, and the token for the one
 * service behind that route, in place of the credential it came with. A gateway that asks too often is heard no further.
 *
 * @throws Refusal with the reason why it may not pass
 */
export const authorize = async (
  question: Question,
  gateway: OpenGateway,
  desk: Desk,
  trace: Trace,
): Promise<Permission> => {
  const now = desk.ports.clock.now()
  trace.version = desk.trust.version
  const { decisions, name } = gateway
  const limit = decisions.settings.rateLimit.gateway
  if (limit !== undefined) await requireRoom('gateway', name, limit, desk.ports.rateLimits, now)
  const original = question.original()
  const preflight = decisions.settings.preflight && isPreflight(original, question)
  const asked = preflight ? preflightOf(original, question) : original
  trace.ingress = { method: original.method, host: original.host }
  const route = routeFor(decisions, asked, question.route)
  if (route === undefined) throw new Refusal('route.none_matched', `no route of ${name} fits the request`)
  trace.ingress = { ...trace.ingress, route: route.name }

  const certificate = await certificateStatedBy(gateway, question, desk.gateways, desk.ports.digest)
  if (certificate !== undefined) trace.certificate = certificateRecord(certificate)
  if (preflight) return unidentified('preflight', gateway, route, trace)
  const subject = credentialOf(decisions.settings.credentialFrom, question, certificate)
  if (subject === undefined && route.anonymous) return unidentified('anonymous', gateway, route, trace)
  if (subject === undefined) throw new Refusal('credential.missing', `nothing of credentialFrom of ${name} is there`)
  const wish = {
    subject,
    gateway: { name, request: original },
    targets: [route.audience],
    scope: route.scopes,
    ...(certificate && { certificate }),
  }
  return await allow(wish, gateway, route, desk, now, trace)
}

const unidentified = (kind: Unidentified['kind'], { name }: OpenGateway, route: Route, trace: Trace): Unidentified => {
  if (trace.ingress !== undefined) trace.ingress = { ...trace.ingress, passed: kind }
  return decidedAs<Unidentified>({ kind, gateway: name, route: route.name })
}

/** Credential -> token: one that was made for the same question and still holds, or a new one. */
const allow = async (
  wish: Wish,
  gateway: OpenGateway,
  route: Route,
  desk: Desk,
  now: Instant,
  trace: Trace,
): Promise<Allowed> => {
  const { reuse, rateLimit } = gateway.decisions.settings
  const { decisionsKept, ports, readsRequests } = desk
  const make = () => decide(wish, gateway, route, desk, now, trace)
  const key =
    reuse > 0 && canLast(wish.subject)
      ? await ports.digest.sha256(premisesOf(wish, route.name, readsRequests))
      : undefined
  const { allowed, party } =
    key === undefined
      ? await make()
      : (decisionsKept.again(key, now, trace) ?? (await decisionsKept.decide(key, now, trace, make)))
  if (rateLimit.subject !== undefined) await requireRoom('subject', party, rateLimit.subject, ports.rateLimits, now)
  return allowed
}

/** What an exchange is, with the gateway as the client and the route as what it asks. */
const decide = async (
  wish: Wish,
  { decisions, name }: OpenGateway,
  route: Route,
  desk: Desk,
  now: Instant,
  trace: Trace,
): Promise<Made> => {
  const { client } = route
  const appraisal = await appraise(wish, client, desk, now, trace)
  const granted = grant({ ...appraisal, request: wish, client }, desk.ports.ids.next(), now, trace)
  const { issuer, trustDomain, ports, trust } = desk
  const keyring = desk.keyring()
  const token = await mint(granted, keyring, { issuer, trustDomain, now, ports, trust }, trace)
  const lasting = appraisal.lasting()
  const share = now + (token.expiresAt - now) * decisions.settings.reuse
  const reusableUntil = Math.min(share, lasting?.until ?? now, reusableUnder(keyring, now, token.expiresAt))
  const identity = shownIdentity(granted)
  requireTellable(identity, decisions.settings.respond)
  return {
    allowed: decidedAs<Allowed>({ kind: 'allowed', gateway: name, route: route.name, token, identity, reusableUntil }),
    party: await partyOf(name, granted, ports.digest),
    // Other keys of ours may be there because one of these is in the wrong hands.
    ...(lasting && { stillHolds: (at) => (desk.keyring() === keyring ? lasting.stillHolds(at) : undefined) }),
  }
}

const shownIdentity = (granted: Grant): ShownIdentity => {
  const { subject, tenant, origin } = granted.identity
  return {
    subject: subject.value,
    ...(tenant !== undefined && mayEnter(tenant, granted) ? { tenant: tenant.value } : {}),
    rule: `${origin.map}/${origin.rule}`,
    transaction: granted.transaction,
  }
}
