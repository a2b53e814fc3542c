import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import type { Cores } from './cores.ts'
import type { ExchangeTarget } from './exchange-request.ts'
import { type exchangeSetup, keyClientId, listening, secretClientId } from './exchange-setup.ts'
import type { Options } from './options.ts'
import { type Child, type Start, withProcesses } from './processes.ts'
import { subjectTokens, type TokenPool } from './subject-tokens.ts'

/** All that a scenario stands on: subject tokens, the foreign issuer, two clients, and whoever makes the requests. */
export interface World {
  readonly options: Options
  readonly cores: Cores | undefined
  readonly start: Start
  /** A folder of its own that is gone afterwards. */
  readonly folder: string
  readonly pool: TokenPool
  readonly generator: Child
  readonly setup: z.infer<typeof exchangeSetup>
  /** The private half of `setup.clientJwk`. */
  readonly clientKey: Readonly<Record<string, unknown>>
}

/** A server that exchanges tokens, dragoman or a reference. */
export interface ExchangeServer {
  readonly child: Child
  readonly port: number
  /** What its client assertions must be addressed to. */
  readonly issuer: string
  readonly jwksPath: string
}

export const clientKeyId = 'bench-client'

/** Builds the world for one scenario and takes it down again. */
export const withWorld = async <T>(
  options: Options,
  cores: Cores | undefined,
  use: (world: World) => Promise<T>,
): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-bench-'))
  const tidy = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', tidy)
  try {
    const pool = await subjectTokens(options.tokens + 1, cores)
    return await withProcesses(cores, async (start) => use(await populate({ options, cores, start, folder, pool })))
  } finally {
    process.off('exit', tidy)
    tidy()
  }
}

const populate = async (empty: Omit<World, 'generator' | 'setup' | 'clientKey'>): Promise<World> => {
  const { start, pool } = empty
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const clientKey = { ...privateKey.export({ format: 'jwk' }), kid: clientKeyId, alg: 'ES256', use: 'sig' }
  const { d: _private, ...clientJwk } = clientKey
  const issuer = startScript(start, '../references/issuer.ts')
  const { port } = await issuer.ask('listen', { jwk: pool.jwk }, listening)
  const generator = start({ side: 'load', args: [scriptPath('./load-generator.ts')], answers: true })
  await generator.ask('load', { poolFile: pool.file }, z.object({}))
  const discovery = `http://127.0.0.1:${port}/.well-known/openid-configuration`
  const clientSecret = randomBytes(24).toString('base64url')
  return { ...empty, generator, clientKey, setup: { discovery, clientSecret, clientJwk } }
}

const scriptPath = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

const startScript = (start: Start, relative: string): Child =>
  start({ side: 'server', args: [scriptPath(relative)], answers: true })

/** Starts a process of the references that does not listen. */
export const startReference = (world: World, name: string): Child =>
  startScript(world.start, `../references/${name}.ts`)

/** Starts a reference that exchanges tokens. */
export const startExchangeReference = async (world: World, name: string): Promise<ExchangeServer> => {
  const child = startReference(world, name)
  const { port } = await child.ask('listen', world.setup, listening)
  return { child, port, issuer: `https://${name}.bench.example`, jwksPath: '/jwks' }
}

/** An exchange at `server` by the client that has a secret. */
export const asSecretClient = (world: World, { port }: { readonly port: number }): ExchangeTarget => ({
  port,
  path: '/token',
  authorization: `Basic ${Buffer.from(`${secretClientId}:${world.setup.clientSecret}`).toString('base64')}`,
})

/** An exchange at `server` by the client that has a key. */
export const asKeyClient = (world: World, { port, issuer }: ExchangeServer): ExchangeTarget => ({
  port,
  path: '/token',
  assertion: { clientId: keyClientId, audience: issuer, kid: clientKeyId, jwk: world.clientKey },
})
