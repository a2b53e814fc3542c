import type { Scenario } from './scenario.ts'
import { chainContenders } from './x509.ts'

/** A new client of a new intermediate: both are parsed, the path is found and validated, two signatures are verified. */
export const x509Chain: Scenario = {
  name: 'x509-chain',
  unit: 'us',
  comparisons: [
    { reference: 'x509-bound', target: 0.55 },
    { reference: 'x509-peculiar', target: 8 },
    { reference: 'x509-node' },
  ],
  contenders: (world) => chainContenders(world, 'nothing', ['x509-bound', 'x509-peculiar', 'x509-node']),
}
