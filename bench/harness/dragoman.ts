import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type MoreDocuments, writeDocuments } from './documents.ts'
import type { Child } from './processes.ts'
import { freePort, whenReady } from './readiness.ts'
import type { ExchangeServer, World } from './world.ts'

/** The server under test, started as an operator starts it. This file alone knows its command line. */

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const issuer = 'https://dragoman.bench.example'

/** Where one dragoman finds what it needs. */
export interface Home {
  readonly trustMaps: string
  readonly keys: string
}

/** Prepares a home: a signing key, and the bench's documents with what is wanted beside them. */
export const furnishHome = (world: World, more: MoreDocuments = {}): Home => {
  const keys = join(world.folder, 'keys')
  execFileSync(process.execPath, [main, 'keys', 'generate', '--keys', keys], { stdio: 'ignore', timeout: 20_000 })
  return { trustMaps: writeDocuments(world, more), keys }
}

/** Starts it and waits until it is ready. */
export const startDragoman = async (world: World, more: MoreDocuments = {}): Promise<ExchangeServer> => {
  const { child, port } = await launchDragoman(world, furnishHome(world, more))
  return { child, port, issuer, jwksPath: '/jwks.json' }
}

/** Starts it; resolves when /readyz answers 200. Audit events and the state go to files, as in production. */
export const launchDragoman = async (world: World, home: Home): Promise<{ child: Child; port: number }> => {
  const port = await freePort()
  const adminPort = await freePort()
  const settings = {
    issuer,
    'trust-maps': home.trustMaps,
    keys: home.keys,
    port,
    'admin-port': adminPort,
    state: join(world.folder, 'state.db'),
    audit: join(world.folder, 'audit.jsonl'),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  const child = world.start({ side: 'server', args: [main, 'serve', ...flags], answers: false })
  await whenReady(child, adminPort, '/readyz')
  return { child, port }
}
