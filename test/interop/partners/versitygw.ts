import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../command.ts'
import { answers, type Daemon, freePort, startDaemon } from '../daemon.ts'
import { buildPrograms, ensureGo } from '../go-modules.ts'
import { madeOnce } from '../made-once.ts'

/** versitygw: a server that speaks as S3 does over a folder, and checks every signature. From its Go module. */
export const versitygwVersion = 'v1.8.0'

const command = 'github.com/versity/versitygw/cmd/versitygw'

/** Builds it below `cache` unless it is there, and returns the program. */
export const builtVersitygw = (cache: string): string =>
  join(
    madeOnce(join(cache, `versitygw-${versitygwVersion}`), (beside) => {
      ensureGo('versitygw', '1.26')
      const place = { cwd: beside, environment: { CGO_ENABLED: '0' } }
      must('making a module', 'go', ['mod', 'init', 'interop.test/versitygw'], place)
      must('fetching versitygw', 'go', ['get', `${command}@${versitygwVersion}`], place)
      const programs = join(beside, 'bin')
      mkdirSync(programs)
      buildPrograms('versitygw', programs, [command], place)
      return programs
    }),
    'versitygw',
  )

export interface S3 extends Daemon {
  readonly url: string
}

export interface S3Options {
  /** An empty folder. */
  readonly folder: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** Starts it on a free port. */
export const startS3 = async (program: string, options: S3Options): Promise<S3> => {
  const port = await freePort()
  const [objects, metadata] = [join(options.folder, 'objects'), join(options.folder, 'metadata')]
  for (const folder of [objects, metadata]) mkdirSync(folder)
  const address = ['--port', `127.0.0.1:${port}`, '--region', options.region, '--health', '/health']
  const daemon = await startDaemon({
    name: 'versitygw',
    command: [program, ...address, '--quiet', 'posix', '--sidecar', metadata, objects],
    log: join(options.folder, 'versitygw.log'),
    environment: { ROOT_ACCESS_KEY: options.accessKeyId, ROOT_SECRET_KEY: options.secretAccessKey },
    longestLife: 300,
    longestStart: 30,
    isReady: () => answers(`http://127.0.0.1:${port}/health`),
  })
  return { url: `http://127.0.0.1:${port}`, ...daemon }
}
