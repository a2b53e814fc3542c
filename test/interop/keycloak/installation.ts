import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

/** Keycloak from its Maven distribution. */
export const version = '26.7.3'

const artifact = `org.keycloak:keycloak-quarkus-dist:${version}:zip`

interface Ran {
  readonly ok: boolean
  readonly said: string
}

/** Where a command runs and what it finds in its environment. */
interface Place {
  readonly cwd?: string
  readonly environment?: Readonly<Record<string, string>>
}

const run = (command: string, args: readonly string[], { cwd, environment }: Place = {}): Ran => {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 600_000,
    env: { ...process.env, ...environment },
    ...(cwd === undefined ? {} : { cwd }),
  })
  return { ok: status === 0, said: error === undefined ? `${stdout}${stderr}` : String(error) }
}

/** Runs a command that must succeed; throws what it said otherwise. */
const must = (why: string, command: string, args: readonly string[], place?: Place): void => {
  const { ok, said } = run(command, args, place)
  if (!ok) throw new Error(`${why} failed: ${command} ${args.join(' ')}\n${said.slice(-4000)}`)
}

/** The major version of the Java on the path, 0 without one. */
const javaVersion = (): number => Number(/version "(\d+)/.exec(run('java', ['-version']).said)?.[1] ?? 0)

const installPackages = (packages: readonly string[]): void => {
  const quiet = { environment: { DEBIAN_FRONTEND: 'noninteractive' } }
  must('updating the package lists', 'apt-get', ['update', '-q'], quiet)
  must(`installing ${packages.join(' ')}`, 'apt-get', ['install', '-y', '-q', ...packages], quiet)
}

/** Keycloak 26 needs Java 17 or newer; Maven fetches it. */
const ensureTools = (): void => {
  const missing = [
    ...(javaVersion() >= 17 ? [] : ['openjdk-17-jre-headless']),
    ...(run('mvn', ['-v']).ok ? [] : ['maven']),
  ]
  if (missing.length > 0) installPackages(missing)
  if (javaVersion() < 17) throw new Error('Java 17 or newer is needed, and installing it did not help')
}

/**
 * Installs Keycloak below `cache` unless it is there, and returns its folder. What is there is complete: it is unpacked
 * beside and then renamed.
 */
export const installed = (cache: string): string => {
  const home = join(cache, `keycloak-${version}`)
  ensureTools()
  if (existsSync(home)) return home
  mkdirSync(cache, { recursive: true })
  const unpacked = mkdtempSync(join(cache, 'unpacking-'))
  try {
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack'
    // Without a project Maven leaves its marks in the folder that it runs in, and believes them the next time.
    const parameters = [`-Dartifact=${artifact}`, `-DoutputDirectory=${unpacked}`]
    must('fetching Keycloak', 'mvn', ['-B', '-q', goal, ...parameters], { cwd: unpacked })
    renameSync(join(unpacked, `keycloak-${version}`), home)
  } finally {
    rmSync(unpacked, { recursive: true, force: true })
  }
  return home
}
