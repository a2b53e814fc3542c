import { authzWitness, egressWitness } from '../harness/authz-witness.ts'
import { servingContender } from '../harness/contender.ts'
import { startDragoman } from '../harness/dragoman.ts'
import { asEgressGateway, asGateway } from '../harness/forwarded-request.ts'
import { ours } from '../harness/result.ts'
import { repeated } from './exchange.ts'
import type { Scenario } from './scenario.ts'

/** A gateway asks at the way out about request after request: tokens that were seen before, a credential that is kept. */
export const egressWarm: Scenario = {
  name: 'egress-warm',
  unit: 'us',
  comparisons: [{ reference: 'forward-auth', target: 1 / 1.15 }],
  async contenders(world) {
    if (world.options.referencesOnly) return []
    const server = await startDragoman(world, { gateway: true, egress: true })
    const { clientSecret } = world.setup
    const [outward, inward] = [asEgressGateway(server.port, clientSecret), asGateway(server.port, clientSecret)]
    await egressWitness(world, outward)
    await authzWitness(world, server, inward)
    const load = { generator: world.generator, use: repeated }
    return [
      servingContender(ours, server.child, world.cores, { ...load, target: outward }),
      servingContender('forward-auth', server.child, world.cores, { ...load, target: inward }),
    ]
  },
}
