import { authenticatedAs, type Client } from '../domain/client.ts'
import type { Equipped } from '../domain/decision.ts'
import type { DepartureSettings } from '../formats/gateway-departure-settings.ts'
import { type MatchesWhole, matcherOf } from '../formats/pattern.ts'
import type { DepartureQuestion, Dialect, HttpWords } from './dialect.ts'
import { outwardRemovals } from './outward-headers.ts'

/** How a gateway asks for the credentials of partners, made ready. */
export interface Departures {
  readonly dialect: Dialect
  /** How the gateway speaks over HTTP, where it does. */
  readonly words?: HttpWords<DepartureQuestion, Equipped>
  readonly settings: DepartureSettings
  /** What goes off every request, lower-case. */
  readonly removed: readonly string[]
  /** May it have the credentials of the partner of this name? */
  readonly mayUse: MatchesWhole
  /** The gateway as the client in whose name is asked; what it may have, the partners' documents say. */
  readonly client: Client
}

/**
 * Makes the departures of the gateway `name` ready, which states certificates in the headers `carriers`.
 *
 * @param allCarriers the headers in which gateways of any kind state certificates
 * @param insideSources the trust maps of our own tokens and of SVIDs: a foreign credential is nobody inside
 *
 * @throws Error when there is no such dialect
 */
export const prepareDepartures = (
  { name, carriers }: { readonly name: string; readonly carriers: readonly string[] },
  settings: DepartureSettings,
  {
    dialects,
    insideSources,
    allCarriers,
  }: {
    readonly dialects: readonly Dialect[]
    readonly insideSources: readonly string[]
    readonly allCarriers: readonly string[]
  },
): Departures => {
  const dialect = dialects.find(({ kind }) => kind === settings.dialect)
  if (dialect === undefined) throw new Error(`no dialect ${settings.dialect}`)
  const words = dialect.departures?.http?.(settings, carriers)
  return {
    dialect,
    settings,
    removed: outwardRemovals(settings, [...carriers, ...allCarriers]),
    mayUse: matcherOf(settings.partners),
    client: authenticatedAs({
      id: name,
      method: 'gateway',
      rights: { sources: settings.sources ?? insideSources, audiences: ['**'], scopes: ['**'] },
    }),
    ...(words === undefined ? {} : { words }),
  }
}
