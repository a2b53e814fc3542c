import type { Desk, Granted } from './desk.ts'
import { decidedAs, type Equipped } from './domain/decision.ts'
import type { Wish } from './domain/exchange.ts'
import type { Grant } from './domain/grant.ts'
import type { OriginalRequest } from './domain/original-request.ts'
import type { OutgoingRequest, PartnerCredential } from './domain/partner.ts'
import { Refusal } from './domain/refusal.ts'
import type { Instant } from './domain/time.ts'
import { certificateRecord, type Trace } from './domain/trace.ts'
import { destinationOf } from './egress-destination.ts'
import { permitted, petitionFor } from './egress-grant.ts'
import { type Asker, admitted, certificateStatedBy, type DepartureGateway } from './gateways/client-certificate.ts'
import { canLast, type Made, premisesOf } from './gateways/decisions-kept.ts'
import type { DepartureQuestion, Outgoing } from './gateways/dialect.ts'
import { credentialOf } from './gateways/presented-credential.ts'
import { partyOf, requireRoom } from './gateways/rate-limits.ts'
import { cargoOf, presentationOf } from './obtain/injection.ts'
import type { PreparedPartner } from './obtain/prepared-partner.ts'

/**
 * The gateway at the way out that asks, which has proven to be the one.
 *
 * @throws Refusal `gateway.*`, `keys.unavailable`
 */
export const admitDeparture = (
  asker: Asker,
  { gateways }: Desk,
  now: Instant,
  trace: Trace,
): Promise<DepartureGateway> => admitted(asker, gateways.outward, now, trace)

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
      party: await partyOf(gateway.name, granted, ports.digest),
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
    ? await desk.obtaining.sign(partner, credential, await outgoingOf(original, question, partner, gateway, desk), now)
    : undefined
  const presentation = presentationOf(partner, credential, gateway.departures.removed, signed)
  return decidedAs<Equipped>({
    kind: 'equipped',
    gateway: gateway.name,
    presentation,
    transaction: granted.transaction,
    reusableUntil: now,
  })
}

/** The request as it will be sent: what is taken off is not there to be signed, and the gateway may make it https. */
const outgoingOf = async (
  original: OriginalRequest,
  question: DepartureQuestion,
  { credential: { obtainer, config }, inject }: PreparedPartner,
  { departures: { removed, settings } }: DepartureGateway,
  { ports }: Desk,
): Promise<OutgoingRequest> => {
  const fields = obtainer.signedFields?.(config) ?? []
  const nothing: Outgoing = { sentPath: original.path, query: '', headers: {} }
  const { body, ...told } = (await question.outgoing?.(fields)) ?? nothing
  const taken = new Set([...removed, ...inject.removeHeaders])
  return {
    ...original,
    ...(settings.originatesTLS ? { scheme: 'https' } : {}),
    ...told,
    headers: Object.fromEntries(Object.entries(told.headers).filter(([name]) => !taken.has(name))),
    ...(body === undefined ? {} : { contentDigest: hex(await ports.digest.hash('SHA-256', body)) }),
  }
}

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
