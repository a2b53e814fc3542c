import type { Desk } from '../../src/desk.ts'
import { openDesk, prefetch } from '../../src/desk.ts'
import { secret } from '../../src/domain/secret.ts'
import type { Instant } from '../../src/domain/time.ts'
import type { Trace } from '../../src/domain/trace.ts'
import type { Keyring } from '../../src/mint/keyring.ts'
import type { CredentialStore } from '../../src/ports/credential-store.ts'
import type { Http } from '../../src/ports/http.ts'
import type { Log } from '../../src/ports/log.ts'
import { type Meters, silentMeters } from '../../src/ports/meters.ts'
import type { Ports } from '../../src/ports/ports.ts'
import type { ReplayGuard } from '../../src/ports/replay.ts'
import { createKeySets } from '../../src/sources/key-sets.ts'
import { createOutbound } from '../../src/sources/outbound.ts'
import { createVault, type VaultAccess } from '../../src/sources/vault-secrets.ts'
import { createMemoryReplayGuard } from '../../src/stores/memory.ts'
import { createMemoryCredentials } from '../../src/stores/memory-credentials.ts'
import { createMemoryRateLimits } from '../../src/stores/memory-rate-limits.ts'
import { loadTrust, type SourceFile } from '../../src/trust.ts'

/** A whole dragoman whose clock and network are given: the same code as in production, nowhere to reach out to. */
export interface Place {
  readonly desk: Desk
  /** How many requests were attempted to anywhere. */
  readonly outboundAttempts: () => number
  /** The trace of every exchange so far. */
  readonly traces: readonly Trace[]
}

export interface PlaceOptions {
  readonly issuer: string
  readonly now: () => Instant
  readonly documents: readonly object[]
  /** The files that documents refer to: an object stands for its JSON. */
  readonly files: Readonly<Record<string, object | string>>
  readonly keyring: Keyring
  /** The SPIFFE trust domain of our JWT-SVIDs. */
  readonly trustDomain?: string
  /** Where clients with certificates are told to go. */
  readonly mtlsAlias?: string
  /** In place of the memory that guards against replay. */
  readonly replay?: ReplayGuard
  /** The network, in place of none; with it plain http to this machine is allowed. */
  readonly http?: Http
  readonly credentials?: CredentialStore
  readonly meters?: Meters
  /** Default: nobody reads it. */
  readonly log?: Log
  readonly vault?: VaultAccess
  /** The secrets that documents refer to, by the name of their file, variable or binding. */
  readonly secrets?: Readonly<Record<string, string>>
}

/** What a place takes from the platform that it is on. */
export type Platform = Pick<Ports, 'signatures' | 'certificateSignatures' | 'decryption' | 'digest' | 'ids'>

/** Opens a desk over `documents` on `platform`, whichever; throws with every fault when they are not good. */
export const openPlaceOn = async (platform: Platform, options: PlaceOptions): Promise<Place> => {
  let attempts = 0
  const traces: Trace[] = []
  const ports = portsOf(platform, options, traces, () => attempts++)
  const insecureLoopback = options.http !== undefined
  const outbound = createOutbound(ports.http, { insecureLoopback })
  const files: SourceFile[] = options.documents.map((document, n) => ({
    name: `${n}.yaml`,
    text: JSON.stringify(document),
  }))
  const loaded = await loadTrust(files, { world: 'serve', insecureLoopback, digest: ports.digest })
  if (loaded.trust === undefined) throw new Error(JSON.stringify(loaded.faults, null, 1))
  const opened = await openDesk(loaded.trust, {
    issuer: options.issuer,
    ...(options.trustDomain === undefined ? {} : { trustDomain: options.trustDomain }),
    ...(options.mtlsAlias === undefined ? {} : { mtlsAlias: options.mtlsAlias }),
    ports,
    outbound,
    keySets: createKeySets({ ports, outbound }),
    ...(options.vault === undefined ? {} : { vault: createVault(options.vault, outbound, ports) }),
    keyring: () => options.keyring,
    detailedTraces: true,
  })
  if (!('desk' in opened)) throw new Error(JSON.stringify(opened.faults, null, 1))
  await prefetch(opened.desk)
  return { desk: opened.desk, outboundAttempts: () => attempts, traces }
}

const portsOf = (platform: Platform, options: PlaceOptions, traces: Trace[], onOutbound: () => void): Ports => ({
  ...platform,
  clock: { now: options.now },
  http: options.http ?? {
    send: () => {
      onOutbound()
      return Promise.reject(new Error('no network in a conformance run'))
    },
  },
  files: {
    read: async (path) => new TextDecoder().decode(readFrom(options.files, path)),
    readBytes: async (path) => readFrom(options.files, path),
  },
  secrets: { read: async (reference) => secret(secretIn(options.secrets ?? {}, Object.values(reference).join())) },
  replay: options.replay ?? createMemoryReplayGuard(platform.digest),
  rateLimits: createMemoryRateLimits(),
  audit: { record: (trace) => traces.push(trace) },
  log: options.log ?? { info: () => undefined, warn: () => undefined },
  meters: options.meters ?? silentMeters,
  credentials: options.credentials ?? createMemoryCredentials(),
})

const secretIn = (secrets: Readonly<Record<string, string>>, name: string): string => {
  const found = secrets[name]
  if (found === undefined) throw new Error(`no secret ${name}`)
  return found
}

const readFrom = (files: PlaceOptions['files'], path: string): Uint8Array => {
  const found = files[path]
  if (found === undefined) throw new Error(`no file ${path}`)
  if (found instanceof Uint8Array) return found
  return new TextEncoder().encode(typeof found === 'string' ? found : JSON.stringify(found))
}
