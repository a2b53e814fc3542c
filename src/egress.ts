import { type Appraisal, appraise } from './appraise.ts'
import type { Desk, Granted } from './desk.ts'
import type { Client } from './domain/client.ts'
import { decidedAs, type Equipped } from './domain/decision.ts'
import type { ExchangeRequest, Wish } from './domain/exchange.ts'
import type { Allowance, Grant } from './domain/grant.ts'
import type { OriginalRequest } from './domain/original-request.ts'
import type { OutgoingRequest, PartnerCredential } from './domain/partner.ts'
import { Refusal } from './domain/refusal.ts'
import type { Instant } from './domain/time.ts'
import type { IssuedToken } from './domain/token.ts'
import type { TokenType } from './domain/token-type.ts'
import { certificateRecord, type Trace } from './domain/trace.ts'
import { matcherOf } from './formats/pattern.ts'
import { requireCarriable } from './gateways/carriage.ts'
import type { Asker } from './gateways/client-certificate.ts'
import { certificateStatedBy, type DepartureGateway, provenGateway } from './gateways/client-certificate.ts'
import { canLast, type Made, premisesOf } from './gateways/decisions-kept.ts'
import type { DepartureQuestion } from './gateways/dialect.ts'
import { credentialOf } from './gateways/presented-credential.ts'
import { requireRoom } from './gateways/rate-limits.ts'
import { grant } from './grant/grant.ts'
import { mint } from './mint/mint.ts'
import { requireAllowed } from './obtain/allow.ts'
import { cargoOf, presentationOf } from './obtain/injection.ts'
import type { Petition } from './obtain/obtain.ts'
import type { PreparedPartner } from './obtain/prepared-partner.ts'

/**
 * The gateway of that name, at the way out, which the caller has proven to be.
 *
 * @throws Refusal `gateway.*`, `keys.unavailable`
 */
export const admitDeparture = async (
  asker: Asker,
  desk: Desk,
  now: Instant,
  trace: Trace,
): Promise<DepartureGateway> => {
  const gateway = await provenGateway(asker.gateway, asker.call, asker.caller(), desk.gateways.outward, now)
  trace.client = gateway.name
  trace.clientMethod = 'gateway'
  return gateway
}

/**
 * The same where services may ask for themselves: what each shows of itself is all that it is believed, so that nobody has
 * to prove to be a gateway.
 *
 * @throws Refusal `gateway.*`, `keys.unavailable`
 */
export const admitDescription = async (
  asker: Asker,
  desk: Desk,
  now: Instant,
  trace: Trace,
): Promise<DepartureGateway> => {
  const gateway = desk.gateways.outward.get(asker.gateway)
  if (gateway?.departures.settings.callers !== 'services') return admitDeparture(asker, desk, now, trace)
  trace.client = gateway.name
  trace.clientMethod = 'service'
  return gateway
}

/**
 * A gateway's word that a partner did not take a credential: a new one is obtained for whoever asks next.
 *
 * @returns was it one that would have been given again?
 * @throws Refusal `destination.unknown` when the gateway may not use the partner
 */
export const invalidate = async (
  { partner: name, credentialId }: { readonly partner: string; readonly credentialId: string },
  gateway: DepartureGateway,
  desk: Desk,
  trace: Trace,
): Promise<boolean> => {
  trace.version = desk.trust.version
  const partner = desk.partners.byName(name)
  if (partner === undefined || !gateway.departures.mayUse(name))
    throw new Refusal('destination.unknown', `${gateway.name} may use no partner of this name`)
  trace.partner = partner.name
  trace.credentialId = credentialId.slice(0, 64)
  return desk.obtaining.invalidate(partner, credentialId, desk.ports.clock.now())
}

/**
 * The journey of a request on its way out: which partner it goes to, whose it is, whether that identity may, and the
 * credential that the partner accepts in place of ours. What the partner is called for is decided before it is called.
 *
 * @throws Refusal with the reason why it may not pass
 */
export const equip = async (
  question: DepartureQuestion,
  gateway: DepartureGateway,
  desk: Desk,
  trace: Trace,
): Promise<Equipped> => {
  const now = desk.ports.clock.now()
  trace.version = desk.trust.version
  const { settings } = gateway.departures
  const limit = settings.rateLimit.gateway
  if (limit !== undefined) await requireRoom('gateway', gateway.name, limit, desk.ports.rateLimits, now)
  const original = question.original()
  trace.egress = { method: original.method, host: original.host }
  const partner = destinationOf(original, gateway, desk, trace)
  const certificate = await (question.presented?.() ??
    certificateStatedBy(gateway, question, desk.gateways, desk.ports.digest))
  if (certificate !== undefined) trace.certificate = certificateRecord(certificate)
  const subject = credentialOf(settings.credentialFrom, question, certificate)
  if (subject === undefined)
    throw new Refusal('credential.missing', `nothing of credentialFrom of ${gateway.name} is there`)
  const wish: Wish = {
    subject,
    gateway: { name: gateway.name, request: original },
    targets: [partner.audience],
    ...(certificate && { certificate }),
  }
  const { granted, party } = await grantedAgain(wish, gateway, partner, desk, now, trace)
  if (settings.rateLimit.subject !== undefined)
    await requireRoom('subject', party, settings.rateLimit.subject, desk.ports.rateLimits, now)
  const credential = await desk.obtaining.obtain(partner, petitionFor(granted, desk, now, trace), now, trace)
  return await equipped(credential, granted, partner, question, original, gateway, desk, now)
}

/** What was granted for the same question and still holds, or is granted anew. */
const grantedAgain = async (
  wish: Wish,
  gateway: DepartureGateway,
  partner: PreparedPartner,
  desk: Desk,
  now: Instant,
  trace: Trace,
): Promise<{ readonly granted: Grant; readonly party: string }> => {
  const { settings, client } = gateway.departures
  const { grantsKept, ports, readsRequests } = desk
  const make = async (): Promise<Made<Granted>> => {
    const { appraisal, granted } = await permitted(wish, client, partner, desk, now, trace)
    const lasting = appraisal.lasting()
    const share = now + (granted.expiresAt - now) * settings.reuse
    return {
      allowed: { grant: granted, reusableUntil: Math.min(share, lasting?.until ?? now) },
      party: await partyOf(gateway.name, granted, desk),
      ...(lasting && { stillHolds: (at: Instant) => lasting.stillHolds(at) }),
    }
  }
  const mayLast = settings.reuse > 0 && !partner.readsNow && canLast(wish.subject)
  const premises = () => premisesOf(wish, `partner ${partner.name}`, readsRequests || partner.readsRequest)
  const key = mayLast ? await ports.digest.sha256(premises()) : undefined
  const { allowed, party } =
    key === undefined
      ? await make()
      : (grantsKept.again(key, now, trace) ?? (await grantsKept.decide(key, now, trace, make)))
  return { granted: allowed.grant, party }
}

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

/**
 * The partner that a request goes to, and over a way on which a credential may go.
 *
 * @throws Refusal `destination.*`, `partner.not_carriable`
 */
export const destinationOf = (
  original: OriginalRequest,
  gateway: Pick<DepartureGateway, 'name' | 'departures'>,
  desk: Pick<Desk, 'partners'>,
  trace: Trace,
): PreparedPartner => {
  const { settings, dialect } = gateway.departures
  const partner = partnerAt(original, gateway, desk)
  trace.partner = partner.name
  requireEncrypted(original, partner, gateway)
  requireCarriable(cargoOf(partner), settings, dialect)
  return partner
}

/**
 * The one partner that a request goes to, among those that the gateway may use. Of two it could not be said whose
 * credential it is to have.
 *
 * @throws Refusal `destination.unknown`, `destination.ambiguous`
 */
const partnerAt = (
  original: OriginalRequest,
  { name, departures }: Pick<DepartureGateway, 'name' | 'departures'>,
  desk: Pick<Desk, 'partners'>,
): PreparedPartner => {
  const found = desk.partners.at(original).filter((partner) => departures.mayUse(partner.name))
  const [partner, another] = found
  if (partner === undefined)
    throw new Refusal('destination.unknown', `no partner that ${name} may use is at ${original.host}`)
  if (another !== undefined)
    throw new Refusal('destination.ambiguous', `both ${partner.name} and ${another.name} are at this destination`)
  return partner
}

/** @throws Refusal `destination.cleartext` */
const requireEncrypted = (
  { scheme }: OriginalRequest,
  { name, destinations }: PreparedPartner,
  { departures: { settings } }: Pick<DepartureGateway, 'departures'>,
): void => {
  if (!destinations.requireTLS || settings.originatesTLS || scheme === 'https') return
  throw new Refusal(
    'destination.cleartext',
    `the request to ${name} is not https, and the gateway is not said to make it so (originatesTLS)`,
  )
}

/**
 * The same at the token endpoint, where a client asks for the token of a partner by the partner's audience (RFC 8693
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

/** A token of ours is made only where it is what the partner accepts. */
const petitionFor = (granted: Grant, desk: Desk, now: Instant, trace: Trace): Petition => {
  const { issuer, trustDomain, ports, trust } = desk
  return {
    grant: granted,
    mint: (own) => mint(own, desk.keyring(), { issuer, trustDomain, now, ports, trust }, trace),
  }
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

const partyOf = (gateway: string, { identity: { type, tenant, subject } }: Grant, { ports }: Desk) =>
  ports.digest.sha256(JSON.stringify([gateway, type, tenant?.value ?? null, subject.value]))

const equipped = async (
  credential: PartnerCredential,
  granted: Grant,
  partner: PreparedPartner,
  question: DepartureQuestion,
  original: OriginalRequest,
  gateway: DepartureGateway,
  desk: Desk,
  now: Instant,
): Promise<Equipped> => {
  const signed = cargoOf(partner).isSigned
    ? await desk.obtaining.sign(partner, credential, await outgoingOf(original, question, desk), now)
    : undefined
  const presentation = presentationOf(partner, credential, tokenHeaders(gateway), signed)
  return decidedAs<Equipped>({
    kind: 'equipped',
    gateway: gateway.name,
    presentation,
    transaction: granted.transaction,
    reusableUntil: now,
  })
}

/** The headers in which a request carries a credential of ours. */
export const tokenHeaders = ({ departures: { settings } }: Pick<DepartureGateway, 'departures'>): readonly string[] =>
  settings.credentialFrom.flatMap((place) => ('header' in place ? [place.header] : []))

const outgoingOf = async (
  original: OriginalRequest,
  question: DepartureQuestion,
  { ports }: Desk,
): Promise<OutgoingRequest> => {
  const { body, ...told } = (await question.outgoing?.()) ?? { query: '', headers: {} }
  if (body === undefined) return { ...original, ...told }
  const contentDigest = hex(await ports.digest.hash('SHA-256', body))
  return { ...original, ...told, contentDigest }
}

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
