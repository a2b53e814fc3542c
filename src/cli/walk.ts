import { resolve } from 'node:path'
import { appraise } from '../appraise.ts'
import { type Deployment, type Desk, openDesk } from '../desk.ts'
import { authenticatedAs, type Client } from '../domain/client.ts'
import type { Fault } from '../domain/fault.ts'
import type { Grant } from '../domain/grant.ts'
import type { CanonicalIdentity } from '../domain/identity.ts'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import type { Instant } from '../domain/time.ts'
import type { TokenType } from '../domain/token-type.ts'
import { newTrace, type Trace } from '../domain/trace.ts'
import { grant } from '../grant/grant.ts'
import { silentMeters } from '../ports/meters.ts'
import type { Secrets } from '../ports/secrets.ts'
import { jwsAlgorithms } from '../ports/signatures.ts'
import { createNodeCertificateSignatures } from '../runtimes/node/certificate-signatures.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { createNodeFiles, createNodeSecrets } from '../runtimes/node/files.ts'
import { createNodeHttp } from '../runtimes/node/http.ts'
import { createPlainLog } from '../runtimes/node/log.ts'
import { createNodeIds } from '../runtimes/node/platform.ts'
import { createNodeSignatures } from '../runtimes/node/signatures.ts'
import { createWebDecryption } from '../runtimes/web/decryption.ts'
import { createKeySets, type KeySet, type KeySets } from '../sources/key-sets.ts'
import { createOutbound } from '../sources/outbound.ts'
import type { Vault } from '../sources/vault-secrets.ts'
import { createMemoryReplayGuard } from '../stores/memory.ts'
import { createMemoryCredentials } from '../stores/memory-credentials.ts'
import { createMemoryRateLimits } from '../stores/memory-rate-limits.ts'
import type { Trust } from '../trust.ts'
import { sourcesOf } from '../verify/verify.ts'

/** Where and when a token is walked through the journey, without a server and without a caller. */
export interface WalkPlace {
  /** The folder that relative names in the documents start from. */
  readonly folder: string
  readonly now: Instant
  readonly insecureLoopback: boolean
  /** Keys to verify with in place of those that the issuers publish: a file, relative to where the command is given. */
  readonly keysFile?: string
  /** Who we are: assertions must be for our token endpoint, and tokens of ours name us. Absent: nobody. */
  readonly issuer?: string
  readonly mtlsAlias?: string
  /** `out`: with the partners, whose secrets are not looked at. */
  readonly way?: 'in' | 'out'
}

/**
 * Opens a desk over `trust` that mints nothing, obtains nothing and registers nobody.
 *
 * @returns the desk, or every fault that was found
 */
export const openWalkDesk = async (trust: Trust, place: WalkPlace): Promise<Desk | readonly Fault[]> => {
  const partners = place.way === 'out' ? trust.partners : []
  const opened = await openDesk({ ...trust, partners, clients: new Map() }, deploymentAt(place))
  if (!('desk' in opened)) return opened.faults
  const { desk } = opened
  return { ...desk, trust, ownKeys: publishedKeys(desk) }
}

/** Who walks has no keys: ours are had as those of any issuer are. */
const publishedKeys = ({ keySets, issuer }: Deployment): KeySet =>
  keySets.open({ issuer, algorithms: jwsAlgorithms, staleFor: 0, allowHosts: [] })

/** Whoever only asks what would be presented need not have it. */
const unlooked: Secrets & Vault = { read: async () => secret('-') }

const deploymentAt = ({ folder, now, insecureLoopback, keysFile, issuer, mtlsAlias, way }: WalkPlace): Deployment => {
  const digest = createNodeDigest()
  const ports = {
    clock: { now: () => now },
    http: createNodeHttp(),
    files: createNodeFiles(folder),
    secrets: way === 'out' ? unlooked : createNodeSecrets(folder),
    signatures: createNodeSignatures(),
    certificateSignatures: createNodeCertificateSignatures(),
    decryption: createWebDecryption(),
    digest,
    ids: createNodeIds(),
    replay: createMemoryReplayGuard(digest),
    rateLimits: createMemoryRateLimits(),
    audit: { record: () => undefined },
    log: createPlainLog(process.stderr),
    meters: silentMeters,
    credentials: createMemoryCredentials(),
  }
  const outbound = createOutbound(ports.http, { insecureLoopback })
  const keySets = createKeySets({ ports, outbound })
  return {
    issuer: issuer ?? 'https://dragoman.invalid',
    ...(mtlsAlias === undefined ? {} : { mtlsAlias }),
    ports,
    outbound,
    keySets: keysFile === undefined ? keySets : fromFile(keySets, resolve(keysFile)),
    vault: unlooked,
    keyring: () => ({ signers: [], overlap: { maxTtl: 0, skew: 0 } }),
    detailedTraces: true,
  }
}

const fromFile = (keySets: KeySets, jwksFile: string): KeySets => ({
  open: ({ algorithms, staleFor }) => keySets.open({ algorithms, staleFor, allowHosts: [], jwksFile }),
})

/** What is asked for the token. */
export interface WalkRequest {
  readonly token: string
  readonly type: TokenType
  /** Absent: somebody who may ask for everything, so that the documents about tokens alone decide. */
  readonly client?: string
  readonly targets: readonly string[]
}

/** What became of it. */
export interface Walk {
  readonly trace: Trace
  readonly identity?: CanonicalIdentity
  readonly grant?: Grant
}

/** Walks a token from verify over map to grant, and records every check. */
export const walk = async ({ token, type, client: id, targets }: WalkRequest, desk: Desk): Promise<Walk> => {
  const now = desk.ports.clock.now()
  const trace = newTrace('', now, true)
  trace.version = desk.trust.version
  const found: { identity?: CanonicalIdentity; grant?: Grant } = {}
  try {
    const client = clientFor(id, desk.trust)
    if (id !== undefined) trace.client = id
    const credential = { type, raw: secret(token) }
    const request = {
      client: { method: 'private_key_jwt', assertion: secret('') } as const,
      subject: credential,
      targets,
    }
    const appraisal = await appraise(request, client, id === undefined ? openToAll(desk) : desk, now, trace)
    found.identity = appraisal.identity
    found.grant = grant({ request, ...appraisal, client }, 'explain', now, trace)
    trace.outcome = { granted: true }
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown
    trace.outcome = { granted: false, reason: thrown.reason, detail: thrown.detail }
  }
  return { trace, ...found }
}

const clientFor = (id: string | undefined, trust: Trust): Client => {
  const registration = id === undefined ? undefined : trust.clients.get(id)
  if (id !== undefined && registration === undefined)
    throw new Refusal('client.unknown', 'no Client document has this client_id')
  const sources = trust.maps.map(({ name }) => name)
  return authenticatedAs({
    id: registration?.id ?? 'any-client',
    method: registration?.authentication[0]?.kind ?? 'private_key_jwt',
    rights: registration?.rights ?? { sources, audiences: ['**'], scopes: ['**'], presentCertificates: true },
  })
}

/** Without a client there is nobody whom a source could shut out. */
const openToAll = (desk: Desk): Desk => ({
  ...desk,
  sources: sourcesOf(
    desk.sources.all.map(({ map, verifier, prepared, issuers, audiences }) => ({
      map,
      verifier,
      prepared,
      issuers,
      audiences,
    })),
  ),
})
