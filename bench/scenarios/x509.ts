import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { testAuthority } from '../../test/world/certificates.ts'
import type { seenBefore } from '../harness/chain-work.ts'
import { type Contender, workingContender } from '../harness/contender.ts'
import type { Child } from '../harness/processes.ts'
import { ours } from '../harness/result.ts'
import { startReference, type World } from '../harness/world.ts'

/** The contenders of the x509 scenarios: everybody judges the same chain of leaf, intermediate and root, all P-256. */

const judge = fileURLToPath(new URL('../harness/dragoman-chain.ts', import.meta.url))

const madeChain = () => {
  const root = testAuthority('Bench Root')
  const intermediate = root.subordinate('Bench Intermediate', { pathLen: 0 })
  const leaf = intermediate.issue({ subject: 'client', dns: ['client.bench.example'] })
  const [first, second, third] = [leaf, intermediate, root].map(({ der }) => Buffer.from(der).toString('base64'))
  return { leaf: first, intermediate: second, root: third }
}

/** dragoman, unless it is to be left out, and the references of these names. */
export const chainContenders = async (
  world: World,
  seen: z.infer<typeof seenBefore>,
  references: readonly string[],
): Promise<readonly Contender[]> => {
  const setup = { ...madeChain(), seen }
  const contender = async (name: string, child: Child): Promise<Contender> => {
    await child.ask('prepare', setup, z.object({}))
    return workingContender(name, child, world.cores)
  }
  const own = world.options.referencesOnly
    ? []
    : [await contender(ours, world.start({ side: 'server', args: [judge], answers: true }))]
  return [...own, ...(await Promise.all(references.map((name) => contender(name, startReference(world, name)))))]
}
