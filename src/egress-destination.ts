import type { Desk } from './desk.ts'
import type { OriginalRequest } from './domain/original-request.ts'
import { Refusal } from './domain/refusal.ts'
import type { Trace } from './domain/trace.ts'
import { requireCarriable } from './gateways/carriage.ts'
import type { DepartureGateway } from './gateways/client-certificate.ts'
import { cargoOf } from './obtain/injection.ts'
import type { PreparedPartner } from './obtain/prepared-partner.ts'

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
