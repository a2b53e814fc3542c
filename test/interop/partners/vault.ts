import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { must } from '../command.ts'
import { answers, type Daemon, freePort, startDaemon } from '../daemon.ts'
import { buildPrograms, copyModule, ensureGo, writeModule, writeModuleFile } from '../go-modules.ts'
import { madeOnce } from '../made-once.ts'

/**
 * Vault from its Go module, built here: OpenBao, which speaks the same, is not to be had from every module proxy. Vault's
 * own modules `sdk` and `api` are taken as published, whose `sdk` has one parameter more in one place, and the library by
 * which servers find each other in clouds is left out.
 */
export const vaultVersion = 'v1.21.4'

const module = 'github.com/hashicorp/vault'
const discover = 'github.com/hashicorp/go-discover'

const ourFile = (name: string): string => readFileSync(fileURLToPath(new URL(`vault/${name}`, import.meta.url)), 'utf8')

/** What the module replaces by folders that are not part of it. */
const inTree = ['api', 'api/auth/approle', 'api/auth/kubernetes', 'api/auth/userpass', 'sdk']

const adapt = (file: string, from: string, to: string): void => {
  const text = readFileSync(file, 'utf8')
  if (!text.includes(from)) throw new Error(`${file} is not the Vault that is known here`)
  writeFileSync(file, text.replace(from, to))
}

const adaptSource = (source: string): void => {
  const signature = 'activateDeduplication(ctx context.Context, req *logical.Request'
  adapt(join(source, 'vault', 'identity_store_util.go'), `${signature})`, `${signature}, _ string)`)
  const call = 'ActivationFunc(ctx, nil'
  adapt(join(source, 'vault', 'logical_system_activation_flags.go'), `${call})`, `${call}, "")`)
}

/** Builds it below `cache` unless it is there, and returns the program. */
export const builtVault = (cache: string): string =>
  join(
    madeOnce(join(cache, `vault-${vaultVersion}`), (beside) => {
      ensureGo('Vault', '1.26')
      const [source, nobody] = [join(beside, 'vault'), join(beside, 'discover')]
      copyModule(module, vaultVersion, source)
      adaptSource(source)
      writeModule(nobody, discover, 'discover.go', ourFile('discover.go'))
      writeModuleFile(join(nobody, 'provider', 'k8s'), 'kubernetes.go', ourFile('kubernetes.go'))
      writeModuleFile(join(source, 'interop'), 'main.go', ourFile('main.go'))
      const place = { cwd: source, environment: { CGO_ENABLED: '0', GOFLAGS: '-mod=mod' } }
      const edits = [...inTree.map((name) => `-dropreplace=${module}/${name}`), `-replace=${discover}=${nobody}`]
      must('replacing modules', 'go', ['mod', 'edit', ...edits], place)
      const programs = join(beside, 'bin')
      mkdirSync(programs)
      buildPrograms('Vault', join(programs, 'vault'), ['./interop'], place)
      return programs
    }),
    'vault',
  )

export interface Vault extends Daemon {
  readonly url: string
  readonly rootToken: string
  /** Asks its interface as its administrator; throws what it says when it refuses. */
  readonly administer: (method: string, path: string, body?: unknown) => Promise<unknown>
}

/** Starts it on a free port, unsealed and empty; what it needs lies in `folder`. */
export const startVault = async (program: string, folder: string): Promise<Vault> => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const tokenFile = join(folder, 'vault-root-token')
  const daemon = await startDaemon({
    name: 'Vault',
    command: [program, `127.0.0.1:${port}`, tokenFile],
    log: join(folder, 'vault.log'),
    longestLife: 300,
    longestStart: 60,
    isReady: () => answers(`${url}/v1/sys/health`),
  })
  const rootToken = readFileSync(tokenFile, 'utf8')
  const administer: Vault['administer'] = async (method, path, body) => {
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': rootToken, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  return { url, rootToken, administer, ...daemon }
}
