import { createWriteStream } from 'node:fs'
import type { Deployment } from '../../desk.ts'
import type { Audit } from '../../ports/audit.ts'
import type { Ports } from '../../ports/ports.ts'
import type { ReplayGuard } from '../../ports/replay.ts'
import { createKeySets, type SweptKeySets } from '../../sources/key-sets.ts'
import { createOutbound } from '../../sources/outbound.ts'
import { createMemoryReplayGuard } from '../../stores/memory.ts'
import { createMemoryRateLimits } from '../../stores/memory-rate-limits.ts'
import { createSqliteReplayGuard } from '../../stores/sqlite.ts'
import { createWebDecryption } from '../web/decryption.ts'
import { type AuditLog, createAuditLog } from './audit.ts'
import { createNodeCertificateSignatures } from './certificate-signatures.ts'
import { createNodeDigest } from './digest.ts'
import { createNodeFiles, createNodeSecrets } from './files.ts'
import { createNodeHttp } from './http.ts'
import type { Live } from './live.ts'
import { createNodeClock, createNodeIds } from './platform.ts'
import type { ServerOptions } from './server-options.ts'
import { createNodeSignatures } from './signatures.ts'
import { openSqlite } from './sqlite.ts'

/** What must survive a restart, or a memory that forgets. Throws when the file cannot be opened. */
export const openState = async (path: string): Promise<{ readonly replay: ReplayGuard; close(): void }> => {
  const digest = createNodeDigest()
  if (path === ':memory:') return { replay: createMemoryReplayGuard(digest), close: () => undefined }
  const database = openSqlite(path)
  return { replay: await createSqliteReplayGuard(database, digest), close: () => database.close() }
}

/** Where audit events go: standard output, nowhere, or a file for its owner only. */
export const openAudit = (where: string): { readonly log: Audit; close(): Promise<void> } => {
  if (where === 'none') return { log: { record: () => undefined }, close: async () => undefined }
  const stream = where === '-' ? process.stdout : createWriteStream(where, { flags: 'a', mode: 0o600 })
  const log: AuditLog = createAuditLog(stream, createNodeClock())
  return { log, close: () => log.close() }
}

/** All that the inside asks of the outside, on Node. Relative paths in documents start at their folder. */
export const composePorts = (options: ServerOptions, replay: ReplayGuard, audit: Audit, live: Live): Ports => ({
  clock: createNodeClock(),
  http: createNodeHttp(),
  files: createNodeFiles(options.trustMaps),
  secrets: createNodeSecrets(options.trustMaps),
  signatures: createNodeSignatures(),
  certificateSignatures: createNodeCertificateSignatures(),
  decryption: createWebDecryption(),
  digest: createNodeDigest(),
  ids: createNodeIds(),
  replay,
  rateLimits: createMemoryRateLimits(),
  audit: {
    record(trace) {
      audit.record(trace)
      if (live.desk !== undefined) options.onTrace?.(trace, live.desk)
    },
  },
  log: options.log,
})

/** What this deployment is, whatever its documents say. */
export const deploymentOf = (
  options: ServerOptions,
  issuer: string,
  ports: Ports,
  live: Live,
): Deployment & { readonly keySets: SweptKeySets } => {
  const outbound = createOutbound(ports.http, { insecureLoopback: options.world === 'dev' })
  return {
    issuer,
    ...(options.trustDomain === undefined ? {} : { trustDomain: options.trustDomain }),
    ...(options.mtlsAlias === undefined ? {} : { mtlsAlias: options.mtlsAlias }),
    ports,
    outbound,
    keySets: createKeySets({ ports, outbound }),
    keyring: () => live.keyring ?? { signers: [], overlap: { maxTtl: 0, skew: 0 } },
    detailedTraces: options.onTrace !== undefined,
  }
}
