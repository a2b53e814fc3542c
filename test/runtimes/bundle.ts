import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** A worker in one file, as it would be deployed. */
export interface Bundle {
  readonly code: string
  /** Octets. */
  readonly size: number
  readonly gzipped: number
}

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
