import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { programOf, runtimeNames, versionOf } from '../runtimes/programs.ts'
import * as certificates from './certificates/installation.ts'
import { must } from './command.ts'
import * as gateways from './gateways/installation.ts'
import { traefikVersion } from './gateways/traefik.ts'
import * as keycloak from './keycloak/installation.ts'
import { startKeycloak } from './keycloak/server.ts'
import * as partners from './partners/installation.ts'
import { motoVersion } from './partners/moto.ts'
import { vaultVersion } from './partners/vault.ts'
import { versitygwVersion } from './partners/versitygw.ts'
import * as proxies from './proxies/installation.ts'
import * as saml from './saml/installation.ts'
import * as spire from './spire/installation.ts'
import { startSpireWorld } from './spire/world.ts'
import { installPostgres } from './stores/postgres.ts'
import { installRedis } from './stores/redis.ts'

/** What `npm run test:interop` can install and start. The tests of a suite are in files that begin with its name. */

/** Something that runs for the tests of one suite. */
export interface Running {
  /** How the tests find it. */
  readonly environment: Readonly<Record<string, string>>
  readonly stop: () => Promise<void>
}

export interface Suite {
  /** What it needs, in words. */
  readonly what: string
  /** Installs what is missing; returns how to start it. Throws when it cannot be installed. */
  readonly install: () => () => Promise<Running>
}

const cacheOf = (name: string): string => {
  const folder = fileURLToPath(new URL(`../../.cache/${name}`, import.meta.url))
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Of what the tests start themselves, when they know for whom. */
const installedOnly = (environment: Running['environment']) => async () => ({
  environment,
  stop: async () => undefined,
})

export const suites: Readonly<Record<string, Suite>> = {
  keycloak: {
    what: `Keycloak ${keycloak.version}`,
    install: () => {
      const cache = cacheOf('keycloak')
      const home = keycloak.installed(cache)
      return async () => {
        const { url, pid, stop } = await startKeycloak(home, `${cache}/keycloak.log`)
        return { environment: { DRAGOMAN_TEST_KEYCLOAK_URL: url, DRAGOMAN_TEST_KEYCLOAK_PID: String(pid) }, stop }
      }
    },
  },
  spire: {
    what: `SPIRE ${spire.version}, and OpenSSL`,
    install: () => {
      certificates.install()
      const cache = cacheOf('spire')
      const programs = spire.installed(cache)
      return async () => {
        const { world, stop } = await startSpireWorld(programs, cache)
        return { environment: { DRAGOMAN_TEST_SPIRE: JSON.stringify(world) }, stop }
      }
    },
  },
  proxies: {
    what: `nginx, HAProxy and Envoy ${proxies.envoyVersion}, and OpenSSL`,
    install: () => {
      certificates.install()
      return installedOnly({ DRAGOMAN_TEST_PROXIES: JSON.stringify(proxies.installed(cacheOf('envoy'))) })
    },
  },
  gateways: {
    what: `nginx, HAProxy, Caddy, Traefik ${traefikVersion} and Envoy ${proxies.envoyVersion} that ask us`,
    install: () => installedOnly({ DRAGOMAN_TEST_GATEWAYS: JSON.stringify(gateways.installed(cacheOf)) }),
  },
  partners: {
    what: `Vault ${vaultVersion}, versitygw ${versitygwVersion} and moto ${motoVersion}, which know partners' secrets`,
    install: () => installedOnly({ DRAGOMAN_TEST_PARTNERS: JSON.stringify(partners.installed(cacheOf('partners'))) }),
  },
  stores: {
    what: 'PostgreSQL, and Redis alone, in a cluster and with Sentinel',
    install: () => {
      installRedis()
      installPostgres()
      return installedOnly({})
    },
  },
  certificates: {
    what: 'OpenSSL and certtool',
    install: () => {
      certificates.install()
      return installedOnly({})
    },
  },
  saml: {
    what: 'pysaml2, simpleSAMLphp, Lasso, OpenSAML and xmlsec',
    install: () => installedOnly({ DRAGOMAN_TEST_SAML: JSON.stringify(saml.installed(cacheOf('saml'))) }),
  },
  runtimes: {
    what: runtimeNames.map((name) => `${name} ${versionOf(name)}`).join(', '),
    install: () => {
      for (const name of runtimeNames) programOf(name)
      must('building the server', 'npm', ['run', 'build'])
      return installedOnly({})
    },
  },
}
