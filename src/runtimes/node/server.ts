import { type Desk, prefetch } from '../../desk.ts'
import { createAdminApp } from '../../http/admin.ts'
import { createApp } from '../../http/app.ts'
import { importKeyring } from '../../mint/keyring.ts'
import { newStoredKey } from '../../mint/stored-key.ts'
import type { Ports } from '../../ports/ports.ts'
import { composePorts, deploymentOf, openAudit, openState } from './composition.ts'
import { watchDocuments } from './document-folder.ts'
import { load, reload } from './documents-in-force.ts'
import { readKeys, writeKey } from './key-folder.ts'
import { watchKeys } from './key-watch.ts'
import { listen, type Shortcut } from './listener.ts'
import { deskOf, type Live } from './live.ts'
import type { ServerOptions } from './server-options.ts'
import { tokenShortcut } from './token-shortcut.ts'

export interface RunningServer {
  readonly url: string
  readonly adminUrl: string
  readonly issuer: string
  desk(): Desk
  /** Finishes what is in flight, then closes everything. */
  stop(): Promise<void>
}

/** How long a stop waits for requests in flight, and a start for issuers' keys, in seconds. */
const grace = 10
const prefetchPatience = 2

/**
 * Composes the ports on Node, loads documents and keys, and serves. A change of either is taken over while it runs.
 *
 * @throws FaultyDocuments; Error when a port is taken, a key cannot be used, or the state cannot be opened
 */
export const startServer = async (options: ServerOptions): Promise<RunningServer> => {
  const live: Live = { stopping: false }
  const state = await openState(options.state)
  const audit = openAudit(options.audit)
  const ports = composePorts(options, state.replay, audit.log, live)
  const keys = await openKeys(options, ports, live)
  const app = createApp(() => deskOf(live))
  const shortcut = tokenShortcut(() => deskOf(live))
  const listener = await listen(app.fetch, options.host, options.port, (request, response) =>
    live.desk === undefined ? notYet(request, response) : shortcut(request, response),
  )
  try {
    const url = `http://${inUrl(options.host)}:${listener.port}`
    const deployment = deploymentOf(options, options.issuer ?? url, ports, live)
    await load(options, deployment, live)
    const admin = await listen(
      createAdminApp(
        () => live.desk,
        () => live.stopping,
      ).fetch,
      options.adminHost,
      options.adminPort,
    )
    const watch = await watchDocuments(options.trustMaps, () => reload(options, deployment, live))
    await atMost(prefetchPatience, prefetch(deskOf(live)))
    return {
      url,
      adminUrl: `http://${inUrl(options.adminHost)}:${admin.port}`,
      issuer: deployment.issuer,
      desk: () => deskOf(live),
      async stop() {
        live.stopping = true
        watch.close()
        keys.close()
        await listener.close(grace)
        await admin.close(1)
        await audit.close()
        state.close()
      },
    }
  } catch (cause) {
    keys.close()
    await listener.close(0)
    state.close()
    throw cause
  }
}

/** The port is taken before the documents are read, since our issuer may be named after it. */
const notYet: Shortcut = (_request, response) => {
  response.writeHead(503, { 'retry-after': '1' }).end()
  return true
}

const inUrl = (host: string) => (host.includes(':') ? `[${host}]` : host)

const atMost = (seconds: number, work: Promise<void>): Promise<void> => {
  const { promise: patience, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, seconds * 1_000)
  return Promise.race([work, patience]).finally(() => clearTimeout(timer))
}

const openKeys = async (options: ServerOptions, ports: Ports, live: Live): Promise<{ close(): void }> => {
  const now = ports.clock.now()
  if ((await readKeys(options.keys)).length === 0) {
    if (options.generateKey !== true)
      throw new Error(`no signing key in ${options.keys}; make one: dragoman keys generate --keys ${options.keys}`)
    await writeKey(options.keys, { ...(await newStoredKey('ES256', now, ports)), activeFrom: Math.floor(now) })
  }
  const stored = await readKeys(options.keys)
  live.keyring = await importKeyring(stored, ports.signatures)
  return watchKeys(options.keys, stored, {
    async changed(keys) {
      live.keyring = await importKeyring(keys, ports.signatures)
      options.log.info('the signing keys have changed', { keys: keys.length })
    },
    failed: (message) => options.log.warn('the signing keys stay as they were', { because: message }),
  })
}
