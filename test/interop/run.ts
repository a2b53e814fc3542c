import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { installed, version } from './keycloak/installation.ts'
import { startKeycloak } from './keycloak/server.ts'

/**
 * `npm run test:interop`: installs Keycloak, starts it, runs the vitest project `interop` against it, stops it.
 * Arguments go to vitest. Exits as vitest does.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = fileURLToPath(new URL('../../.cache/keycloak', import.meta.url))

const say = (text: string) => process.stdout.write(`interop: ${text}\n`)

const timed = async <T>(what: string, work: () => T | Promise<T>): Promise<T> => {
  const start = performance.now()
  const result = await work()
  say(`${what} took ${((performance.now() - start) / 1000).toFixed(1)} s`)
  return result
}

const vitest = async (environment: Record<string, string>): Promise<number> => {
  const entry = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))
  const child = spawn(process.execPath, [entry, 'run', '--project', 'interop', ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  })
  await once(child, 'exit')
  return child.exitCode ?? 1
}

const home = await timed(`having Keycloak ${version}`, () => installed(cache))
const keycloak = await timed('starting it', () => startKeycloak(home, `${cache}/keycloak.log`))
const interrupted = () => void keycloak.stop().finally(() => process.exit(1))
process.once('SIGINT', interrupted)
process.once('SIGTERM', interrupted)
try {
  const environment = { DRAGOMAN_TEST_KEYCLOAK_URL: keycloak.url, DRAGOMAN_TEST_KEYCLOAK_PID: String(keycloak.pid) }
  process.exitCode = await timed('the tests', () => vitest(environment))
} finally {
  await timed('stopping it', () => keycloak.stop())
}
