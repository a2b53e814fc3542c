import type { Desk } from '../desk.ts'
import type { Grant } from '../domain/grant.ts'
import type { CanonicalIdentity } from '../domain/identity.ts'
import type { OutgoingRequest } from '../domain/partner.ts'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import { tokenTypes } from '../domain/token-type.ts'
import { newTrace, type Trace } from '../domain/trace.ts'
import { destinationOf } from '../egress-destination.ts'
import { permitted } from '../egress-grant.ts'
import type { DepartureGateway } from '../gateways/client-certificate.ts'
import { kindsOf } from '../obtain/errand.ts'
import { cargoOf } from '../obtain/injection.ts'
import type { PreparedPartner } from '../obtain/prepared-partner.ts'
import { CommandError, exitCodes } from './exit-codes.ts'

/** A request on its way out, and whose it is said to be. */
export interface WalkOutRequest {
  readonly token: string
  readonly request: OutgoingRequest
  /** The Gateway document that it goes under; absent: the only one at the way out. */
  readonly gateway?: string
}

/** What would be done for it. Nothing is obtained. */
export interface WalkOut {
  readonly trace: Trace
  readonly identity?: CanonicalIdentity
  readonly grant?: Grant
  readonly partner?: PartnerFacts
}

/** What the partner would be presented with, without any of it. */
export interface PartnerFacts {
  readonly name: string
  /** The kind of credential, and of those that it rests on. */
  readonly kinds: readonly string[]
  readonly perIdentity: boolean
  /** Header fields that would be set; a signature's are known when it is made. */
  readonly set: readonly string[]
  readonly remove: readonly string[]
  readonly query: readonly string[]
}

/** Walks a request from destination over verify, map and allow to grant, and records every check. */
export const walkOut = async ({ token, request, gateway: name }: WalkOutRequest, desk: Desk): Promise<WalkOut> => {
  const gateway = gatewayNamed(name, desk)
  const now = desk.ports.clock.now()
  const trace = newTrace('', now, true)
  trace.version = desk.trust.version
  trace.client = gateway.name
  const found: { identity?: CanonicalIdentity; grant?: Grant; partner?: PartnerFacts } = {}
  try {
    const partner = destinationOf(request, gateway, desk, trace)
    found.partner = factsOf(partner, gateway)
    const wish = {
      subject: { type: typeIn(gateway), raw: secret(token) },
      gateway: { name: gateway.name, request },
      targets: [partner.audience],
    }
    const { appraisal, granted } = await permitted(wish, gateway.departures.client, partner, desk, now, trace)
    found.identity = appraisal.identity
    found.grant = granted
    trace.outcome = { granted: true }
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown
    trace.outcome = { granted: false, reason: thrown.reason, detail: thrown.detail }
  }
  return { trace, ...found }
}

const gatewayNamed = (name: string | undefined, { gateways: { outward } }: Desk): DepartureGateway => {
  const names = [...outward.keys()]
  const found = outward.get(name ?? (names.length === 1 ? (names[0] ?? '') : ''))
  if (found !== undefined) return found
  const known = names.length === 0 ? 'there is none with direction: egress' : `there are ${names.join(', ')}`
  throw new CommandError(`name the Gateway document with --gateway; ${known}`, exitCodes.usage)
}

const typeIn = ({ departures: { settings } }: DepartureGateway): string => {
  const [place] = settings.credentialFrom.flatMap((one) => ('header' in one ? [one] : []))
  return place?.type ?? tokenTypes.accessToken
}

const factsOf = (partner: PreparedPartner, gateway: DepartureGateway): PartnerFacts => {
  const set = cargoOf(partner).headers
  const removed = [...gateway.departures.removed, ...partner.inject.removeHeaders]
  return {
    name: partner.name,
    kinds: kindsOf(partner.credential),
    perIdentity: partner.credential.isPerIdentity,
    set,
    remove: [...new Set(removed)].filter((header) => !set.includes(header)),
    query: partner.inject.query.map(({ name }) => name),
  }
}
