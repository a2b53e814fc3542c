import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import * as z from 'zod'
import { patience, stopped, within } from '../world/child-process.ts'

/** The real workerd with one worker on a loopback port that the system chose. */
export interface Workerd {
  readonly origin: string
  readonly version: string
  stop(): Promise<void>
}

/** A worker in one file, as it would be deployed. */
export interface Bundle {
  readonly code: string
  /** Octets. */
  readonly size: number
  readonly gzipped: number
}

const installed = z
  .object({ default: z.string(), compatibilityDate: z.string(), version: z.string() })
  .parse(createRequire(import.meta.url)('workerd'))

/** Bundles the ES module `entry` without any module or global of Node: what needs one does not run. */
export const bundleWorker = async (entry: URL): Promise<Bundle> => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    format: 'esm',
    minify: true,
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    write: false,
    logLevel: 'silent',
  })
  const contents = outputFiles[0]?.contents ?? new Uint8Array()
  return { code: new TextDecoder().decode(contents), size: contents.length, gzipped: gzipSync(contents).length }
}

/** No network for the worker, and no `nodejs_compat`. */
const configuration = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "${installed.compatibilityDate}",
    )),
    (name = "internet", network = (allow = [])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`

/** Starts `bundle`; throws with workerd's own words when it does not come up. */
export const startWorkerd = async (bundle: Bundle): Promise<Workerd> => {
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-workerd-'))
  writeFileSync(join(folder, 'worker.js'), bundle.code)
  writeFileSync(join(folder, 'config.capnp'), configuration)
  const child = spawn(installed.default, ['serve', '--control-fd=1', 'config.capnp'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4000)
  })
  const stop = async () => {
    await stopped(child)
    process.off('exit', kill)
    rmSync(folder, { recursive: true, force: true })
  }
  const ended = once(child, 'exit').then(() => {
    throw new Error(`workerd ended: ${complaints}`)
  })
  ended.catch(() => undefined)
  try {
    const port = await within(patience, 'workerd', Promise.race([portIn(child.stdout), ended]))
    return { origin: `http://127.0.0.1:${port}`, version: installed.version, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const listening = z.object({ event: z.literal('listen'), port: z.number() })

/** workerd says on its control descriptor which port it got. */
const portIn = async (control: AsyncIterable<Buffer>): Promise<number> => {
  let text = ''
  for await (const chunk of control) {
    text += chunk.toString()
    const end = text.indexOf('\n')
    if (end >= 0) return listening.parse(JSON.parse(text.slice(0, end))).port
  }
  throw new Error(`workerd does not listen: ${text}`)
}
