import { Refusal } from '../domain/refusal.ts'
import type { DepartureSettings } from '../formats/gateway-departure-settings.ts'
import type { Remark } from '../formats/schema-faults.ts'
import type { Dialect } from './dialect.ts'

/** What a partner wants to have put on a request. */
export interface Cargo {
  readonly partner: string
  /** The header fields that are set, lower-case. */
  readonly headers: readonly string[]
  /** It is signed, and so made for one request. */
  readonly isSigned: boolean
  readonly hasQuery: boolean
}

/** The headers in which a request carries a credential of ours. */
export const tokenHeaders = ({ credentialFrom }: Pick<DepartureSettings, 'credentialFrom'>): readonly string[] =>
  credentialFrom.flatMap((place) => ('header' in place ? [place.header] : []))

/**
 * What keeps gateways of `dialect` from putting it on a request and from taking our own token off. Where a gateway cannot
 * be told to remove anything, what carried our token must be overwritten.
 */
export const carriageRemarks = (
  { partner, headers, isSigned, hasQuery }: Cargo,
  { credentialFrom }: DepartureSettings,
  { can, kind }: Dialect,
): readonly (Remark & { readonly fix: string })[] => {
  const carrying = tokenHeaders({ credentialFrom })
  const left = can.removal || isSigned ? undefined : carrying.find((name) => !headers.includes(name))
  return [
    ...(left === undefined
      ? []
      : [{ message: `${kind} cannot remove ${left}, and ${partner} sets none`, fix: `set ${left} in inject` }]),
    ...(isSigned && !can.signing
      ? [{ message: `${kind} does not tell all that the signature of ${partner} is over`, fix: 'envoy-grpc, or json' }]
      : []),
    ...(hasQuery && kind !== 'json'
      ? [{ message: `${kind} cannot set the parameters that ${partner} asks for`, fix: 'json, or a header in inject' }]
      : []),
  ]
}

/** @throws Refusal `partner.not_carriable` */
export const requireCarriable = (cargo: Cargo, settings: DepartureSettings, dialect: Dialect): void => {
  const [remark] = carriageRemarks(cargo, settings, dialect)
  if (remark !== undefined) throw new Refusal('partner.not_carriable', remark.message)
}
