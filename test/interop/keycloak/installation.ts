import { join } from 'node:path'
import { installPackages, must, run } from '../command.ts'
import { madeOnce } from '../made-once.ts'

/** Keycloak from its Maven distribution. */
export const version = '26.7.3'

const artifact = `org.keycloak:keycloak-quarkus-dist:${version}:zip`

/** The major version of the Java on the path, 0 without one. */
const javaVersion = (): number => Number(/version "(\d+)/.exec(run('java', ['-version']).said)?.[1] ?? 0)

/** Keycloak 26 needs Java 17 or newer; Maven fetches it. */
const ensureTools = (): void => {
  const missing = [
    ...(javaVersion() >= 17 ? [] : ['openjdk-17-jre-headless']),
    ...(run('mvn', ['-v']).ok ? [] : ['maven']),
  ]
  if (missing.length > 0) installPackages(missing)
  if (javaVersion() < 17) throw new Error('Java 17 or newer is needed, and installing it did not help')
}

/** Installs Keycloak below `cache` unless it is there, and returns its folder. */
export const installed = (cache: string): string => {
  ensureTools()
  return madeOnce(join(cache, `keycloak-${version}`), (beside) => {
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack'
    // Without a project Maven leaves its marks in the folder that it runs in, and believes them the next time.
    const parameters = [`-Dartifact=${artifact}`, `-DoutputDirectory=${beside}`]
    must('fetching Keycloak', 'mvn', ['-B', '-q', goal, ...parameters], { cwd: beside })
    return join(beside, `keycloak-${version}`)
  })
}
