import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import type { Contender } from '../harness/contender.ts'
import { listening } from '../harness/exchange-setup.ts'
import type { Child } from '../harness/processes.ts'
import { ours } from '../harness/result.ts'
import { startReference, type World } from '../harness/world.ts'
import type { Scenario } from './scenario.ts'

const storming = fileURLToPath(new URL('../harness/dragoman-storm.ts', import.meta.url))

/** How long the partner takes, in milliseconds. */
const partnerTakes = 200

/** A thousand requests at once for a credential that nobody has: the partner is asked once, and nobody waits much longer. */
export const missStorm: Scenario = {
  name: 'miss-storm',
  unit: 'ms',
  comparisons: [{ reference: 'partner', target: 1 / 1.3 }],
  async contenders(world) {
    const partner = startReference(world, 'slow-partner')
    const { port } = await partner.ask('listen', { milliseconds: partnerTakes }, listening)
    const tokenEndpoint = `http://127.0.0.1:${port}/token`
    const own = world.options.referencesOnly ? [] : [await stormed(world, partner, tokenEndpoint)]
    return [...own, { name: 'partner', slice: () => askedAlone(tokenEndpoint) }]
  },
}

const waited = z.object({ p99: z.number() })
const counted = z.object({ times: z.number() })

const stormed = async (world: World, partner: Child, tokenEndpoint: string): Promise<Contender> => {
  const child = world.start({ side: 'server', args: [storming], answers: true })
  const { rounds, warmUpRounds } = world.options
  const { jwk, file: poolFile } = world.pool
  const setup = { folder: world.folder, jwk, poolFile, tokenEndpoint, partners: rounds + warmUpRounds }
  await child.ask('prepare', setup, z.object({}))
  let storms = 0
  return {
    name: ours,
    async slice() {
      const before = await partner.ask('asked', {}, counted)
      const { p99 } = await child.ask('storm', { n: storms }, waited)
      const after = await partner.ask('asked', {}, counted)
      storms += 1
      if (after.times !== before.times + 1) throw new Error(`the partner was asked ${after.times - before.times} times`)
      return { figure: p99, operations: 1, foreignShare: undefined }
    },
  }
}

const askedAlone = async (tokenEndpoint: string) => {
  const before = performance.now()
  await (await fetch(tokenEndpoint, { method: 'POST', body: 'grant_type=client_credentials' })).text()
  return { figure: performance.now() - before, operations: 1, foreignShare: undefined }
}
