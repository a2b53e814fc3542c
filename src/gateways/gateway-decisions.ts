import { authenticatedAs, type Client } from '../domain/client.ts'
import type { OriginalRequest } from '../domain/original-request.ts'
import type { DecisionSettings, RouteSettings } from '../formats/gateway-decision-settings.ts'
import { requestMatcher } from '../formats/request-pattern.ts'
import type { Dialect, HttpWords } from './dialect.ts'

/** How the questions of a gateway are decided, made ready. */
export interface Decisions {
  readonly dialect: Dialect
  /** How the gateway speaks over HTTP, where it does. */
  readonly words?: HttpWords
  readonly settings: DecisionSettings
  /** In order; the first that fits a request speaks for it. */
  readonly routes: readonly Route[]
  /** An answer for one request is good for all with the same value in the one header that the credential may be in. */
  readonly isUniform: boolean
}

/** A route of a gateway. */
export interface Route extends RouteSettings {
  fits(original: OriginalRequest): boolean
  /**
   * The gateway as the client that asks for the route's token. It may have no more than that, so that the token for one
   * service is never good for another.
   */
  readonly client: Client
}

/**
 * Makes the decisions of the gateway `name` ready, which states certificates in the headers `carriers`.
 *
 * @throws Error when there is no such dialect
 */
export const prepareDecisions = (
  { name, carriers }: { readonly name: string; readonly carriers: readonly string[] },
  settings: DecisionSettings,
  dialects: readonly Dialect[],
): Decisions => {
  const dialect = dialects.find(({ kind }) => kind === settings.dialect)
  if (dialect === undefined) throw new Error(`no dialect ${settings.dialect}`)
  const words = dialect.http?.(settings, carriers)
  const { routes } = settings
  return {
    dialect,
    settings,
    ...(words === undefined ? {} : { words }),
    routes: routes.map((route) => ({
      ...route,
      fits: requestMatcher(route),
      client: authenticatedAs({
        id: name,
        method: 'gateway',
        rights: { sources: settings.sources, audiences: [route.audience], scopes: route.scopes },
      }),
    })),
    isUniform: isUniform(settings, carriers),
  }
}

/** Nothing is looked at but one header: no route, no certificate, no count of requests. */
const isUniform = ({ routes, credentialFrom, rateLimit }: DecisionSettings, carriers: readonly string[]): boolean =>
  routes.length === 1 &&
  routes.every(isForEverything) &&
  credentialFrom.length === 1 &&
  credentialFrom.every((place) => 'header' in place) &&
  carriers.length === 0 &&
  rateLimit.gateway === undefined &&
  rateLimit.subject === undefined

const isForEverything = ({ hosts, paths, methods }: RouteSettings): boolean =>
  hosts.includes('**') && paths.includes('/**') && methods === undefined

/** The first route that fits; where the gateway names one, no other may speak. */
export const routeFor = ({ routes }: Decisions, original: OriginalRequest, named?: string): Route | undefined =>
  routes.find((route) => (named === undefined || route.name === named) && route.fits(original))
