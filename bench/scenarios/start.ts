import { fileURLToPath } from 'node:url'
import type { Contender } from '../harness/contender.ts'
import { furnishHome, launchDragoman } from '../harness/dragoman.ts'
import type { Child } from '../harness/processes.ts'
import { freePort, whenReady } from '../harness/readiness.ts'
import { ours } from '../harness/result.ts'
import type { World } from '../harness/world.ts'
import type { Scenario } from './scenario.ts'

const maps = 100
const budget = '300 ms'
const bareHono = fileURLToPath(new URL('../references/bare-hono.ts', import.meta.url))

/** From the command to the first 200 of /readyz, with a hundred trust maps to load. */
export const start: Scenario = {
  name: 'start',
  unit: 'ms',
  comparisons: [{ reference: budget, target: 1, informative: true }, { reference: 'bare-hono' }],
  contenders: async (world) => [
    ...(world.options.referencesOnly ? [] : [startingDragoman(world)]),
    starting('bare-hono', () => launchBareHono(world)),
    { name: budget, slice: async () => ({ figure: 300, operations: 1, foreignShare: undefined }) },
  ],
}

const startingDragoman = (world: World): Contender => {
  const home = furnishHome(world, { otherMaps: maps - 1 })
  return starting(ours, async () => (await launchDragoman(world, home)).child)
}

const starting = (name: string, launch: () => Promise<Child>): Contender => ({
  name,
  async slice() {
    const before = performance.now()
    const child = await launch()
    const figure = performance.now() - before
    await child.stop()
    return { figure, operations: 1, foreignShare: undefined }
  },
})

const launchBareHono = async (world: World): Promise<Child> => {
  const port = await freePort()
  const child = world.start({ side: 'server', args: [bareHono, String(port)], answers: false })
  await whenReady(child, port, '/readyz')
  return child
}
