import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { must } from '../interop/command.ts'
import { madeOnce } from '../interop/made-once.ts'
import type { Program } from './runtime.ts'

/** The runtimes other than Node, and how each serves the worker of a bundle. */

export const runtimeNames = ['workerd', 'deno', 'bun'] as const
export type RuntimeName = (typeof runtimeNames)[number]

const workerd = z
  .object({ default: z.string(), compatibilityDate: z.string(), version: z.string() })
  .parse(createRequire(import.meta.url)('workerd'))

/** npm packages that bring a whole runtime: too large for a dependency that everybody has to fetch. */
const versions = { deno: '2.9.6', bun: '1.4.5' } as const

export const versionOf = (name: RuntimeName): string => (name === 'workerd' ? workerd.version : versions[name])

/** How the runtime is started. What is missing is installed first; throws when it cannot be had. */
export const programOf = (name: RuntimeName): Program => programs[name]()

/** No network for the worker, and no `nodejs_compat`. */
const workerdConfiguration = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "${workerd.compatibilityDate}",
    )),
    (name = "internet", network = (allow = [])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`

/** Both say which port they got as workerd does. */
const denoEntry = `import worker from './worker.js'
Deno.serve(
  { hostname: '127.0.0.1', port: 0, onListen: ({ port }) => console.log(JSON.stringify({ event: 'listen', port })) },
  (request) => worker.fetch(request),
)
`
const bunEntry = `import worker from './worker.js'
const server = Bun.serve({ hostname: '127.0.0.1', port: 0, idleTimeout: 60, fetch: (request) => worker.fetch(request) })
console.log(JSON.stringify({ event: 'listen', port: server.port }))
`

const programs: Readonly<Record<RuntimeName, () => Program>> = {
  workerd: () => ({
    command: workerd.default,
    args: ['serve', '--control-fd=1', 'config.capnp'],
    files: { 'config.capnp': workerdConfiguration },
  }),
  deno: () => ({
    command: installed('deno', '@deno', 'deno'),
    args: ['run', '--no-prompt', '--no-config', '--no-remote', '--allow-net=127.0.0.1', 'entry.js'],
    files: { 'entry.js': denoEntry },
  }),
  bun: () => ({
    command: installed('bun', '@oven', 'bin/bun'),
    args: ['run', '--no-install', 'entry.js'],
    files: { 'entry.js': bunEntry },
  }),
}

/** The program of a package for this machine: npm takes the one that fits, in the scope of the runtime's makers. */
const installed = (name: keyof typeof versions, scope: string, program: string): string => {
  const wanted = `${name}@${versions[name]}`
  const cache = fileURLToPath(new URL('../../.cache/runtimes', import.meta.url))
  const home = madeOnce(join(cache, wanted), (beside) => {
    const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund']
    must(`fetching ${wanted}`, 'npm', ['install', '--prefix', beside, ...options, wanted])
    return beside
  })
  const scoped = join(home, 'node_modules', scope)
  const found = (existsSync(scoped) ? readdirSync(scoped) : []).map((each) => join(scoped, each, program))
  const [path] = found.filter((each) => existsSync(each))
  if (path === undefined) throw new Error(`${wanted} brings no program for this machine`)
  return path
}
