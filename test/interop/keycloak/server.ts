import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasEnded } from '../../world/child-process.ts'
import { administrator, password, realm, realmNames } from './realms.ts'

/** However it was started and left, Keycloak ends after this many seconds. */
const longestLife = 1500

/** The first start compiles its configuration, which takes most of this. In seconds. */
const longestStart = 300

export interface Keycloak {
  readonly url: string
  readonly pid: number
  readonly stop: () => Promise<void>
}

/** A port of the loopback interface that was free a moment ago; Keycloak cannot take port 0 and say which it got. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

const writeRealms = (home: string): void => {
  const folder = join(home, 'data', 'import')
  mkdirSync(folder, { recursive: true })
  for (const name of realmNames) writeFileSync(join(folder, `${name}.json`), JSON.stringify(realm(name), undefined, 2))
}

/** Everything in memory and on the loopback interface; `timeout` ends it even when nobody is left to do so. */
const launch = (home: string, port: number, log: string): ChildProcess => {
  const out = openSync(log, 'w')
  const options = ['--db=dev-mem', '--cache=local', '--import-realm', '--http-host=127.0.0.1', `--http-port=${port}`]
  const command = ['--kill-after=10', String(longestLife), 'sh', join(home, 'bin', 'kc.sh'), 'start-dev', ...options]
  return spawn('timeout', command, {
    detached: true,
    stdio: ['ignore', out, out],
    env: {
      ...process.env,
      JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m',
      JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
      KC_BOOTSTRAP_ADMIN_USERNAME: administrator,
      KC_BOOTSTRAP_ADMIN_PASSWORD: password,
    },
  })
}

const answers = async (url: string): Promise<boolean> => {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) })
    return response.ok
  } catch {
    return false
  }
}

const ready = async (child: ChildProcess, url: string): Promise<void> => {
  const deadline = performance.now() + longestStart * 1000
  for (const name of realmNames) {
    while (!(await answers(`${url}/realms/${name}/.well-known/openid-configuration`))) {
      if (hasEnded(child)) throw new Error(`Keycloak ended while it started (${child.exitCode ?? child.signalCode})`)
      if (performance.now() > deadline) throw new Error(`Keycloak was not ready within ${longestStart} s`)
      await sleep(250)
    }
  }
}

/** The whole group that was started here, by its id: the shell, and the Java process below it. */
const end = async (child: ChildProcess): Promise<void> => {
  if (child.pid === undefined) return
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!hasEnded(child)) process.kill(-child.pid, signal)
    for (let waited = 0; waited < 20_000 && !hasEnded(child); waited += 100) await sleep(100)
  }
}

/** Starts the Keycloak installed in `home` and waits until it serves every realm. Its output goes to the file `log`. */
export const startKeycloak = async (home: string, log: string): Promise<Keycloak> => {
  writeRealms(home)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = launch(home, port, log)
  try {
    await ready(child, url)
  } catch (error) {
    await end(child)
    throw new Error(`see ${log}`, { cause: error })
  }
  return { url, pid: child.pid ?? 0, stop: () => end(child) }
}
