import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { outputOf } from '../command.ts'
import type { SpireAgent } from './agent.ts'
import type { X509Svid } from './commands.ts'

/** What a workload asks of the Workload API; it is told by the user it runs as, who here is the user of the tests. */

const fetchFrom = ({ program, socket }: SpireAgent, words: readonly string[]): Promise<string> =>
  outputOf(program, ['api', 'fetch', ...words, '-socketPath', socket])

/** The X.509-SVID of this process, the first when it has several. */
export const fetchX509 = async (agent: SpireAgent): Promise<X509Svid> => {
  const folder = await mkdtemp(join(tmpdir(), 'dragoman-svid-'))
  try {
    await fetchFrom(agent, ['x509', '-write', folder])
    const read = (name: string) => readFile(join(folder, name), 'utf8')
    return { chain: await read('svid.0.pem'), key: await read('svid.0.key'), bundle: await read('bundle.0.pem') }
  } finally {
    await rm(folder, { recursive: true })
  }
}

const fetchedJwt = z.tuple([z.object({ svids: z.array(z.object({ svid: z.string() })) }), z.unknown()])

/** A JWT-SVID of this process for `audience`. */
export const fetchJwt = async (agent: SpireAgent, audience: string): Promise<string> => {
  const words = ['jwt', '-audience', audience, '-output', 'json']
  const [{ svids }] = fetchedJwt.parse(JSON.parse(await fetchFrom(agent, words)))
  const [first] = svids
  if (first === undefined) throw new Error('no JWT-SVID')
  return first.svid
}

const validated = z.object({ spiffe_id: z.string() })

/** The SPIFFE ID in a JWT-SVID that holds by the bundles of which this workload has been told; rejects for any other. */
export const validateJwt = async (
  { program, socket }: SpireAgent,
  audience: string,
  token: string,
): Promise<string> => {
  const words = ['-audience', audience, '-svid', token, '-output', 'json', '-socketPath', socket]
  const said = await outputOf(program, ['api', 'validate', 'jwt', ...words])
  return validated.parse(JSON.parse(said)).spiffe_id
}
