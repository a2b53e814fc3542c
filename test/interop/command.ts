import { execFile, spawnSync } from 'node:child_process'
import process from 'node:process'
import { promisify } from 'node:util'

/** Programs that the suites need, run to their end. */

export interface Ran {
  readonly ok: boolean
  /** What it wrote, to either. */
  readonly said: string
}

/** Where a command runs and what it finds in its environment. */
export interface Place {
  readonly cwd?: string
  readonly environment?: Readonly<Record<string, string>>
}

/** For whatever is not worth waiting for any longer, in milliseconds. */
const longest = 1_200_000

const optionsOf = ({ cwd, environment }: Place) => ({
  encoding: 'utf8' as const,
  maxBuffer: 64 * 1024 * 1024,
  env: { ...process.env, ...environment },
  ...(cwd === undefined ? {} : { cwd }),
})

/** Runs a command and waits for its end; never throws. */
export const run = (command: string, args: readonly string[], place: Place = {}): Ran => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { ...optionsOf(place), timeout: longest })
  return { ok: status === 0, said: error === undefined ? `${stdout}${stderr}` : String(error) }
}

/** Runs a command that must succeed; throws what it said otherwise. */
export const must = (why: string, command: string, args: readonly string[], place?: Place): void => {
  const { ok, said } = run(command, args, place)
  if (!ok) throw new Error(`${why} failed: ${command} ${args.join(' ')}\n${said.slice(-4000)}`)
}

const execute = promisify(execFile)

/** What a command wrote to its standard output; rejects with what it said when it fails or takes more than 30 s. */
export const outputOf = async (command: string, args: readonly string[], place: Place = {}): Promise<string> => {
  const { stdout } = await execute(command, [...args], { ...optionsOf(place), timeout: 30_000 })
  return stdout
}

/** Is there such a program on the path? */
export const isOnPath = (command: string): boolean => run('sh', ['-c', `command -v "$1"`, 'sh', command]).ok

/** Installs Debian packages; throws what apt-get said when it cannot. */
export const installPackages = (packages: readonly string[]): void => {
  const quiet = { environment: { DEBIAN_FRONTEND: 'noninteractive' } }
  const install = ['install', '-y', '-q', '--no-install-recommends', ...packages]
  must('updating the package lists', 'apt-get', ['update', '-q'], quiet)
  must(`installing ${packages.join(' ')}`, 'apt-get', install, quiet)
}

/** Sees to it that each program is on the path, by the Debian package that brings it. */
export const ensurePrograms = (packageOf: Readonly<Record<string, string>>): void => {
  const missing = Object.keys(packageOf).filter((program) => !isOnPath(program))
  if (missing.length > 0) installPackages(missing.map((program) => packageOf[program] ?? program))
  const still = missing.filter((program) => !isOnPath(program))
  if (still.length > 0) throw new Error(`${still.join(', ')}: not on the path, and installing did not help`)
}
