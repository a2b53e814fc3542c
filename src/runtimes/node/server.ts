import { createWriteStream } from 'node:fs'
import { type Deployment, type Desk, openDesk, prefetch } from '../../desk.ts'
import type { Fault } from '../../domain/fault.ts'
import type { Trace } from '../../domain/trace.ts'
import { createAdminApp } from '../../http/admin.ts'
import { createApp } from '../../http/app.ts'
import { importKeyring, type Keyring } from '../../mint/keyring.ts'
import { newStoredKey } from '../../mint/stored-key.ts'
import type { Audit } from '../../ports/audit.ts'
import type { Log } from '../../ports/log.ts'
import type { Ports } from '../../ports/ports.ts'
import type { ReplayGuard } from '../../ports/replay.ts'
import { createKeySets, type SweptKeySets } from '../../sources/key-sets.ts'
import { createOutbound } from '../../sources/outbound.ts'
import { createMemoryReplayGuard } from '../../stores/memory.ts'
import { createSqliteReplayGuard } from '../../stores/sqlite.ts'
import { loadTrust, type SourceFile } from '../../trust.ts'
import { type AuditLog, createAuditLog } from './audit.ts'
import { createNodeDigest } from './digest.ts'
import { readDocuments, watchDocuments } from './document-folder.ts'
import { createNodeFiles, createNodeSecrets } from './files.ts'
import { createNodeHttp } from './http.ts'
import { readKeys, writeKey } from './key-folder.ts'
import { watchKeys } from './key-watch.ts'
import { listen } from './listener.ts'
import { createNodeClock, createNodeIds } from './platform.ts'
import { createNodeSignatures } from './signatures.ts'
import { openSqlite } from './sqlite.ts'
import { tokenShortcut } from './token-shortcut.ts'

/** What a deployment on Node is told. */
export interface ServerOptions {
  /** Our issuer identifier; by default the URL that is listened on. */
  readonly issuer?: string
  /** The folder with the documents. */
  readonly trustMaps: string
  /** The folder with the signing keys. */
  readonly keys: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly adminHost: string
  readonly adminPort: number
  /** The database file of what must survive a restart, or `:memory:`. */
  readonly state: string
  /** `-` for standard output, `none`, or a file that is appended to. */
  readonly audit: string
  /** `dev` loads the demo documents and permits plain http to this machine. */
  readonly world: 'serve' | 'dev'
  readonly log: Log
  /** Make a signing key when there is none. */
  readonly generateKey?: boolean
  /** Documents in place of files of the same name in the folder, or besides them. */
  readonly documents?: readonly SourceFile[]
  /** Hears of every finished exchange, with all its checks. */
  readonly onTrace?: (trace: Trace, desk: Desk) => void
}

export interface RunningServer {
  readonly url: string
  readonly adminUrl: string
  readonly issuer: string
  desk(): Desk
  /** Finishes what is in flight, then closes everything. */
  stop(): Promise<void>
}

/** The documents cannot be put into force. */
export class FaultyDocuments extends Error {
  readonly faults: readonly Fault[]
  readonly texts: ReadonlyMap<string, string>

  constructor(faults: readonly Fault[], texts: ReadonlyMap<string, string>) {
    super(`the documents have ${faults.length} fault(s)`)
    this.name = 'FaultyDocuments'
    this.faults = faults
    this.texts = texts
  }
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
  const listener = await listen(
    app.fetch,
    options.host,
    options.port,
    tokenShortcut(() => deskOf(live)),
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

/** What changes while the server runs. Each request reads it once. */
interface Live {
  desk?: Desk
  keyring?: Keyring
  stopping: boolean
}

const deskOf = (live: Live): Desk => {
  if (live.desk === undefined) throw new Error('no documents are in force')
  return live.desk
}

const inUrl = (host: string) => (host.includes(':') ? `[${host}]` : host)

const atMost = (seconds: number, work: Promise<void>): Promise<void> => {
  const { promise: patience, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, seconds * 1_000)
  return Promise.race([work, patience]).finally(() => clearTimeout(timer))
}

const openState = async (path: string): Promise<{ readonly replay: ReplayGuard; close(): void }> => {
  const digest = createNodeDigest()
  if (path === ':memory:') return { replay: createMemoryReplayGuard(digest), close: () => undefined }
  const database = openSqlite(path)
  return { replay: await createSqliteReplayGuard(database, digest), close: () => database.close() }
}

const openAudit = (where: string): { readonly log: Audit; close(): Promise<void> } => {
  if (where === 'none') return { log: { record: () => undefined }, close: async () => undefined }
  const stream = where === '-' ? process.stdout : createWriteStream(where, { flags: 'a', mode: 0o600 })
  const log: AuditLog = createAuditLog(stream, createNodeClock())
  return { log, close: () => log.close() }
}

const composePorts = (options: ServerOptions, replay: ReplayGuard, audit: Audit, live: Live): Ports => ({
  clock: createNodeClock(),
  http: createNodeHttp(),
  files: createNodeFiles(options.trustMaps),
  secrets: createNodeSecrets(options.trustMaps),
  signatures: createNodeSignatures(),
  digest: createNodeDigest(),
  ids: createNodeIds(),
  replay,
  audit: {
    record(trace) {
      audit.record(trace)
      if (live.desk !== undefined) options.onTrace?.(trace, live.desk)
    },
  },
  log: options.log,
})

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

const deploymentOf = (
  options: ServerOptions,
  issuer: string,
  ports: Ports,
  live: Live,
): Deployment & { readonly keySets: SweptKeySets } => {
  const outbound = createOutbound(ports.http, { insecureLoopback: options.world === 'dev' })
  return {
    issuer,
    ports,
    outbound,
    keySets: createKeySets({ ports, outbound }),
    keyring: () => live.keyring ?? { signers: [], overlap: { maxTtl: 0, skew: 0 } },
    detailedTraces: options.onTrace !== undefined,
  }
}

/** Puts the documents into force as they are now. */
const load = async (
  options: ServerOptions,
  deployment: Deployment & { readonly keySets: SweptKeySets },
  live: Live,
): Promise<void> => {
  const own = options.documents ?? []
  const found = await readDocuments(options.trustMaps)
  const files = [...found.filter(({ name }) => !own.some((other) => other.name === name)), ...own]
  const loaded = await loadTrust(files, {
    world: options.world,
    insecureLoopback: options.world === 'dev',
    digest: deployment.ports.digest,
  })
  const texts = new Map(files.map(({ name, text }) => [name, text]))
  if (loaded.trust === undefined) throw new FaultyDocuments(loaded.faults, texts)
  const opened = await openDesk(loaded.trust, deployment)
  if (!('desk' in opened)) throw new FaultyDocuments(opened.faults, texts)
  for (const notice of loaded.notices) options.log.info(notice)
  live.desk = opened.desk
  deployment.keySets.sweep()
}

/** Takes a change over, or says what is wrong with it and stays with what was in force. */
const reload = async (
  options: ServerOptions,
  deployment: Deployment & { readonly keySets: SweptKeySets },
  live: Live,
): Promise<void> => {
  try {
    await load(options, deployment, live)
    options.log.info('the documents have changed', { version: deskOf(live).trust.version })
    await prefetch(deskOf(live))
  } catch (cause) {
    const faults = cause instanceof FaultyDocuments ? cause.faults : []
    const version = deskOf(live).trust.version
    options.log.warn('the documents have changed but cannot be used; the last good version stays in force', {
      version,
      because: cause instanceof Error ? cause.message : 'unknown',
      faults: faults.map(({ location, message }) => `${location.file}:${location.line}:${location.column} ${message}`),
    })
  }
}
