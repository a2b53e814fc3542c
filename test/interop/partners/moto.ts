import { join } from 'node:path'
import { answers, type Daemon, freePort, startDaemon } from '../daemon.ts'
import { unpackedWheels } from '../python.ts'

/** moto: a server that stands in for services of AWS, S3, IAM and STS among them. From its wheel. */
export const motoVersion = '5.2.5'

const wheels = [
  `moto==${motoVersion}`,
  'blinker==1.9.0',
  'boto3==1.44.8',
  'botocore==1.44.8',
  'certifi==2026.10.19.post1',
  'cffi==2.1.1',
  'charset_normalizer==3.5.3',
  'click==8.5.1',
  'cryptography==50.0.2',
  'flask==3.1.3',
  'flask_cors==6.0.5',
  'idna==3.20',
  'itsdangerous==2.2.0',
  'jinja2==3.1.6',
  'jmespath==1.1.0',
  'markupsafe==3.0.4',
  'py_partiql_parser==0.6.3',
  'pycparser==3.12',
  'python_dateutil==2.9.0.post0',
  'pyyaml==6.0.4',
  'requests==2.34.2',
  'responses==0.26.3',
  's3transfer==0.19.3',
  'six==1.17.0',
  'urllib3==2.8.0',
  'werkzeug==3.1.9',
  'xmltodict==1.0.4',
]

/** The folder with it below `cache`, for PYTHONPATH. */
export const installedMoto = (cache: string): string => unpackedWheels(join(cache, `moto-${motoVersion}`), wheels)

export interface Aws extends Daemon {
  readonly url: string
  /** From now on signatures and policies are checked; before, and after `letEverybodyIn`, they are not. */
  readonly checkEverybody: () => Promise<void>
  readonly letEverybodyIn: () => Promise<void>
}

/** Starts it on a free port; its output goes to the file `log`. */
export const startAws = async (python: string, moto: string, log: string): Promise<Aws> => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const daemon = await startDaemon({
    name: 'moto',
    command: [python, '-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
    log,
    environment: { PYTHONPATH: moto },
    longestLife: 300,
    longestStart: 60,
    isReady: () => answers(`${url}/moto-api/data.json`),
  })
  const freeActions = async (count: string) => {
    const body = new TextEncoder().encode(count)
    const response = await fetch(`${url}/moto-api/reset-auth`, { method: 'POST', body })
    if (!response.ok) throw new Error(`moto answers ${response.status}`)
  }
  return { url, checkEverybody: () => freeActions('0'), letEverybodyIn: () => freeActions('inf'), ...daemon }
}
