import { Refusal } from '../domain/refusal.ts'
import type { DepartureSettings } from '../formats/gateway-departure-settings.ts'
import type { Remark } from '../formats/schema-faults.ts'
import type { Dialect } from './dialect.ts'
import { tokenHeaders } from './outward-headers.ts'

/** What a partner wants to have put on a request. */
export interface Cargo {
  readonly partner: string
  /** The header fields that are set, lower-case. */
  readonly headers: readonly string[]
  /** Those that the document has taken off, lower-case. */
  readonly removed: readonly string[]
  /** It is signed, and so made for one request. */
  readonly isSigned: boolean
  readonly hasQuery: boolean
}

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

/** What the document has taken off and gateways of `dialect` leave on, unless their own configuration says so. */
export const leftOn = (
  { partner, removed }: Cargo,
  { can, kind }: Dialect,
): readonly (Remark & { readonly fix: string })[] =>
  can.removal || removed.length === 0
    ? []
    : [
        {
          message: `${kind} cannot be told to remove ${removed.join(', ')} for ${partner}`,
          fix: 'remove it in the configuration of the gateway',
        },
      ]

/** @throws Refusal `partner.not_carriable` */
export const requireCarriable = (cargo: Cargo, settings: DepartureSettings, dialect: Dialect): void => {
  const [remark] = carriageRemarks(cargo, settings, dialect)
  if (remark !== undefined) throw new Refusal('partner.not_carriable', remark.message)
}
