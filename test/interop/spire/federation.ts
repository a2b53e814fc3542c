import process from 'node:process'
import * as z from 'zod'
import { eventually } from '../../world/dragoman.ts'
import { run } from '../command.ts'
import { asJson, entryWords, mustDo, type Server } from './commands.ts'
import { workloadPath } from './world.ts'

/** SPIRE believes another trust domain. */

/** Where it publishes its bundle, by a certificate of the web (SPIFFE Federation section 5.2.1). */
export interface Foreign {
  readonly trustDomain: string
  readonly bundleUrl: string
}

const entries = z.object({ entries: z.array(z.object({ id: z.string() })) })

/** Tells the workload of the tests the bundles of `others` besides that of its own trust domain. */
const tellWorkload = async (server: Server, others: readonly Foreign[]): Promise<void> => {
  const words = entryWords(server, workloadPath, process.getuid?.() ?? 0)
  const id = `spiffe://${server.trustDomain}/${workloadPath}`
  const [entry] = (await asJson(server, entries, ['entry', 'show', '-spiffeID', id])).entries
  if (entry === undefined) throw new Error('the workload is not registered')
  const told = others.flatMap(({ trustDomain }) => ['-federatesWith', `spiffe://${trustDomain}`])
  await mustDo(server, ['entry', 'update', '-entryID', entry.id, ...words, ...told])
}

/** The server fetches the bundle of `foreign` and the workload is told of it. Returns how to end that. */
export const federate = async (server: Server, foreign: Foreign): Promise<() => Promise<void>> => {
  const { trustDomain, bundleUrl } = foreign
  const place = ['-bundleEndpointURL', bundleUrl, '-bundleEndpointProfile', 'https_web']
  await mustDo(server, ['federation', 'create', '-trustDomain', trustDomain, ...place])
  const bundle = ['bundle', 'list', '-id', `spiffe://${trustDomain}`, '-socketPath', server.socket]
  await eventually(async () => (run(server.program, bundle).ok ? true : undefined), 30_000)
  await tellWorkload(server, [foreign])
  return async () => {
    await tellWorkload(server, [])
    await asJson(server, z.unknown(), ['federation', 'delete', '-id', trustDomain])
  }
}
