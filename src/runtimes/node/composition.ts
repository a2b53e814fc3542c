import { createWriteStream } from 'node:fs'
import { resolve } from 'node:path'
import type { Deployment } from '../../desk.ts'
import type { Keyring } from '../../mint/keyring.ts'
import { vouch } from '../../mint/vouch.ts'
import type { Audit } from '../../ports/audit.ts'
import type { Log } from '../../ports/log.ts'
import type { Meters } from '../../ports/meters.ts'
import type { Ports } from '../../ports/ports.ts'
import { createKeySets, type SweptKeySets } from '../../sources/key-sets.ts'
import { createOutbound } from '../../sources/outbound.ts'
import { createVault, type VaultAccess } from '../../sources/vault-secrets.ts'
import { createMemoryReplayGuard } from '../../stores/memory.ts'
import { createMemoryCredentials } from '../../stores/memory-credentials.ts'
import { createMemoryRateLimits } from '../../stores/memory-rate-limits.ts'
import { createPostgresReplayGuard } from '../../stores/postgres.ts'
import { createPostgresCredentials } from '../../stores/postgres-credentials.ts'
import { createPostgresRateLimits } from '../../stores/postgres-rate-limits.ts'
import { createRedisReplayGuard } from '../../stores/redis.ts'
import { createRedisCredentials } from '../../stores/redis-credentials.ts'
import { createRedisRateLimits } from '../../stores/redis-rate-limits.ts'
import { sharedRateLimits } from '../../stores/shared-rate-limits.ts'
import { createSqliteReplayGuard } from '../../stores/sqlite.ts'
import { createSqliteCredentials } from '../../stores/sqlite-credentials.ts'
import { createWebDecryption } from '../web/decryption.ts'
import { type AuditLog, createAuditLog } from './audit.ts'
import { createNodeCertificateSignatures } from './certificate-signatures.ts'
import { createNodeDigest } from './digest.ts'
import { createNodeFiles, createNodeSecrets } from './files.ts'
import { createNodeHttp } from './http.ts'
import type { Live } from './live.ts'
import { createNodeClock, createNodeIds } from './platform.ts'
import { isPostgresLocation } from './postgres-location.ts'
import { isRedisLocation } from './redis-location.ts'
import type { InsideOptions } from './server-options.ts'
import { createNodeSignatures } from './signatures.ts'
import { openSqlite } from './sqlite.ts'

/**
 * What must survive a restart, in a file, or in a Redis or PostgreSQL that instances share, or a memory that forgets.
 *
 * @throws Error when it cannot be opened, or would forget
 */
export const openState = async (where: string, log: Log): Promise<OpenState> => {
  const digest = createNodeDigest()
  if (isRedisLocation(where)) return openRedisState(where, log)
  if (isPostgresLocation(where)) return openPostgresState(where, log)
  const rateLimits = createMemoryRateLimits()
  if (where === ':memory:')
    return {
      replay: createMemoryReplayGuard(digest),
      credentials: createMemoryCredentials(),
      rateLimits,
      close: async () => undefined,
    }
  const database = openSqlite(where)
  return {
    replay: await createSqliteReplayGuard(database, digest),
    credentials: await createSqliteCredentials(database),
    rateLimits,
    close: async () => database.close(),
  }
}

const openRedisState = async (where: string, log: Log): Promise<OpenState> => {
  // Who has no Redis does not wait for its client to load.
  const { openRedis } = await import('./redis.ts')
  const database = await openRedis(where, log)
  return {
    replay: createRedisReplayGuard(database, createNodeDigest()),
    credentials: createRedisCredentials(database),
    rateLimits: sharedRateLimits(createRedisRateLimits(database), createMemoryRateLimits(), log),
    close: () => database.close(),
  }
}

const openPostgresState = async (where: string, log: Log): Promise<OpenState> => {
  const { openPostgres } = await import('./postgres.ts')
  const database = await openPostgres(where, log)
  return {
    replay: createPostgresReplayGuard(database, createNodeDigest()),
    credentials: createPostgresCredentials(database),
    rateLimits: sharedRateLimits(createPostgresRateLimits(database), createMemoryRateLimits(), log),
    close: () => database.close(),
  }
}

export type State = Pick<Ports, 'replay' | 'credentials' | 'rateLimits'>

export interface OpenState extends State {
  close(): Promise<void>
}

/** Where audit events go: standard output, nowhere, or a file for its owner only. */
export const openAudit = (where: string): { readonly log: Audit; close(): Promise<void> } => {
  if (where === 'none') return { log: { record: () => undefined }, close: async () => undefined }
  const stream = where === '-' ? process.stdout : createWriteStream(where, { flags: 'a', mode: 0o600 })
  const log: AuditLog = createAuditLog(stream, createNodeClock())
  return { log, close: () => log.close() }
}

/** All that the inside asks of the outside, on Node. Relative paths in documents start at their folder. */
export const composePorts = (
  options: InsideOptions,
  { replay, credentials, rateLimits }: State,
  audit: Audit,
  meters: Meters,
  live: Live,
): Ports => ({
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
  credentials,
  meters,
  rateLimits,
  audit: {
    record(trace) {
      audit.record(trace)
      if (live.desk !== undefined) options.onTrace?.(trace, live.desk)
    },
  },
  log: options.log,
})

const noKeys: Keyring = { signers: [], overlap: { maxTtl: 0, skew: 0 } }

/** What this deployment is, whatever its documents say. */
export const deploymentOf = (
  options: InsideOptions,
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
    ...(options.vault === undefined
      ? {}
      : { vault: createVault(accessOf(options.vault, issuer, ports, live), outbound, ports) }),
    keyring: () => live.keyring ?? noKeys,
    detailedTraces: options.onTrace !== undefined,
  }
}

const loginTtl = 60

/** To Vault we say who we are with a token that it keeps an eye on, or with a JWT of our own issuer. */
const accessOf = (
  { address, namespace, auth }: NonNullable<InsideOptions['vault']>,
  issuer: string,
  ports: Ports,
  live: Live,
): VaultAccess => ({
  address,
  ...(namespace === undefined ? {} : { namespace }),
  auth:
    'tokenFile' in auth
      ? { token: { file: resolve(auth.tokenFile) } }
      : {
          mount: auth.mount,
          role: auth.role,
          jwt: () =>
            vouch({ subject: issuer, audience: address, ttl: loginTtl }, live.keyring ?? noKeys, {
              issuer,
              now: ports.clock.now(),
              ports,
            }),
        },
})
