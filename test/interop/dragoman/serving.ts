import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { type Document, writeDocuments, writeWhole } from '../../world/documents.ts'
import { outputOf } from '../command.ts'
import { type Daemon, startDaemon } from '../daemon.ts'

/** dragoman as a deployment starts it, with TLS of its own or without. */

const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

/** Its issuer identifier, wherever it listens. */
export const issuer = 'https://dragoman.test.example'

export interface ServingOptions {
  /** An empty folder of its own. */
  readonly folder: string
  readonly documents: readonly Document[]
  /** Files beside the documents, by name. */
  readonly files?: Readonly<Record<string, string>>
  /** PEM files: it speaks TLS with these and asks every caller for a certificate, of whatever authority. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  /** Further words of its command line. */
  readonly words?: readonly string[]
  /** `dev` believes an issuer on this machine that speaks plain http. */
  readonly command?: 'serve' | 'dev'
  readonly environment?: Readonly<Record<string, string>>
}

export interface Serving extends Daemon {
  readonly url: string
  readonly port: number
  /** Puts a file beside the documents, at once. */
  readonly write: (name: string, text: string) => void
  /** Its audit log so far, a record a line. */
  readonly audit: () => string
}

const tlsWords = ({ tls }: ServingOptions): readonly string[] =>
  tls === undefined ? [] : ['--tls-cert', tls.certificate, '--tls-key', tls.key, '--client-ca', 'any']

const commandOf = (options: ServingOptions): readonly [string, ...string[]] => {
  const { folder, command = 'serve', words = [] } = options
  const places = ['--trust-maps', join(folder, 'maps'), '--keys', join(folder, 'keys')]
  const outputs = ['--state', join(folder, 'state.db'), '--audit', join(folder, 'audit.jsonl')]
  const start = command === 'dev' ? ['dev', '--no-demo'] : ['serve']
  const common = ['--issuer', issuer, ...places, ...outputs, '--port', '0', '--admin-port', '0']
  return [process.execPath, main, ...start, ...common, ...tlsWords(options), ...words]
}

/** Starts it and waits until it listens. Its first key it has from `dragoman keys generate`. */
export const startServing = async (options: ServingOptions): Promise<Serving> => {
  const { folder, documents, files = {}, environment = {} } = options
  const [maps, log] = [join(folder, 'maps'), join(folder, 'dragoman.log')]
  const write = (name: string, text: string) => writeWhole(join(maps, name), text)
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) write(name, text)
  writeDocuments(maps, documents)
  writeFileSync(join(folder, 'audit.jsonl'), '')
  await outputOf(process.execPath, [main, 'keys', 'generate', '--keys', join(folder, 'keys')])
  const url = () => /^dragoman: listening on (\S+)/m.exec(readFileSync(log, 'utf8'))?.[1]
  const daemon = await startDaemon({
    name: 'dragoman',
    command: commandOf(options),
    log,
    environment,
    longestLife: 900,
    longestStart: 60,
    isReady: async () => url() !== undefined,
  })
  const place = url() ?? ''
  const audit = () => readFileSync(join(folder, 'audit.jsonl'), 'utf8')
  return { ...daemon, url: place, port: Number(new URL(place).port), write, audit }
}
