import type { Scenario } from './scenario.ts'
import { chainContenders } from './x509.ts'

const budget = '3 us'

/** A chain that has been seen before, as parsed then: times, names and constraints are judged anew, signatures are not. */
export const x509Repeat: Scenario = {
  name: 'x509-repeat',
  unit: 'us',
  comparisons: [{ reference: budget, target: 1, informative: true }],
  contenders: async (world) => [
    ...(await chainContenders(world, 'chain', [])),
    { name: budget, slice: async () => ({ figure: 3, operations: 1, foreignShare: undefined }) },
  ],
}
