import type { RouteSettings } from './gateway-decision-settings.ts'
import { matcherOf } from './pattern.ts'

/** What is remarkable about a pattern, and where it stands in `spec`. */
interface RouteGap {
  readonly at: readonly (string | number)[]
  readonly message: string
  readonly fix: string
}

/**
 * Routes for all that is below a path, where a later one speaks for the path itself: to most services the two belong
 * together.
 */
export const routeGaps = (routes: readonly RouteSettings[]): readonly RouteGap[] =>
  routes.flatMap((route, index) =>
    route.paths.flatMap((pattern, at) => {
      const root = /^(\/[^*]+)\/\*\*$/.exec(pattern)?.[1]
      if (root === undefined) return []
      const speaker = routes.find((other) => sharesHost(other, route) && matcherOf(other.paths)(root))
      if (speaker === undefined || routes.indexOf(speaker) <= index) return []
      const message = `${root} itself is not meant by ${pattern}, and the route ${speaker.name} speaks for it`
      return [{ at: ['routes', index, 'paths', at], message, fix: `name ${root} beside it` }]
    }),
  )

const sharesHost = ({ hosts }: RouteSettings, other: RouteSettings): boolean =>
  [hosts, other.hosts].some((some) => some.includes('**')) || hosts.some((host) => other.hosts.includes(host))
