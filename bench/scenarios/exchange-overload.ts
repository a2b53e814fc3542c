import { busyConnections, goodputContender } from '../harness/contender.ts'
import { startDragoman } from '../harness/dragoman.ts'
import { ours } from '../harness/result.ts'
import { asSecretClient } from '../harness/world.ts'
import { repeated } from './exchange.ts'
import type { Scenario } from './scenario.ts'

/** Five times, and sixteen times, as many callers as keep it busy: what is left of the good answers. */
export const exchangeOverload: Scenario = {
  name: 'exchange-overload',
  unit: 'us',
  comparisons: [
    { reference: 'its peak', target: 0.8 },
    { reference: 'at 16 times', informative: true },
  ],
  async contenders(world) {
    if (world.options.referencesOnly) return []
    const server = await startDragoman(world)
    const load = { generator: world.generator, target: asSecretClient(world, server), use: repeated }
    return [
      goodputContender(ours, { ...load, connections: busyConnections * 5 }),
      goodputContender('its peak', { ...load, connections: busyConnections }),
      goodputContender('at 16 times', { ...load, connections: busyConnections * 16 }),
    ]
  },
}
