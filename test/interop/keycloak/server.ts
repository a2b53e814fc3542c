import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answers, type Daemon, freePort, startDaemon } from '../daemon.ts'
import { administrator, password, realms } from './realms.ts'

/** However it was started and left, Keycloak ends after this many seconds. */
const longestLife = 1500

/** The first start compiles its configuration, which takes most of this. In seconds. */
const longestStart = 300

export interface Keycloak extends Daemon {
  readonly url: string
}

const writeRealms = (home: string): void => {
  const folder = join(home, 'data', 'import')
  mkdirSync(folder, { recursive: true })
  for (const realm of realms) writeFileSync(join(folder, `${realm.realm}.json`), JSON.stringify(realm, undefined, 2))
}

/** Everything in memory and on the loopback interface. */
const commandOf = (home: string, port: number): readonly [string, ...string[]] => {
  const options = ['--db=dev-mem', '--cache=local', '--import-realm', '--http-host=127.0.0.1', `--http-port=${port}`]
  return ['sh', join(home, 'bin', 'kc.sh'), 'start-dev', ...options]
}

const environment = {
  JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m',
  JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
  KC_BOOTSTRAP_ADMIN_USERNAME: administrator,
  KC_BOOTSTRAP_ADMIN_PASSWORD: password,
}

const servesEveryRealm = async (url: string): Promise<boolean> => {
  for (const { realm } of realms) {
    if (!(await answers(`${url}/realms/${realm}/.well-known/openid-configuration`))) return false
  }
  return true
}

/** Starts the Keycloak installed in `home` and waits until it serves every realm. Its output goes to the file `log`. */
export const startKeycloak = async (home: string, log: string): Promise<Keycloak> => {
  writeRealms(home)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const command = commandOf(home, port)
  const isReady = () => servesEveryRealm(url)
  const keycloak = await startDaemon({
    name: 'Keycloak',
    command,
    log,
    environment,
    longestLife,
    longestStart,
    isReady,
  })
  return { url, ...keycloak }
}
