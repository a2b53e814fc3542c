import type { ServerOptions } from './server-options.ts'

/** Runtimes that serve by Node's own means, and leave out something that matters. */

/** The name of the runtime, by what it says of itself. */
export type RuntimeName = 'Node' | 'Deno' | 'Bun'

export const runtimeName = (versions: Readonly<Record<string, string | undefined>>): RuntimeName => {
  if (versions['bun'] !== undefined) return 'Bun'
  return versions['deno'] === undefined ? 'Node' : 'Deno'
}

/**
 * Sees to it that the runtime can do what is wanted of it: what would be left out silently is refused.
 *
 * @throws Error that names the runtime and what to do
 */
export const requireSupported = ({ tls }: Pick<ServerOptions, 'tls'>, runtime: RuntimeName): void => {
  if (runtime === 'Bun' && tls?.clientCa !== undefined)
    throw new Error(
      'Bun does not show the certificates of clients (--client-ca): serve on Node or Deno, or let a gateway state them',
    )
}
