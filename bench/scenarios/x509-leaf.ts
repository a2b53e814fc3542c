import type { Scenario } from './scenario.ts'
import { chainContenders } from './x509.ts'

/** A new client of an intermediate that has been seen before: one certificate is parsed, one signature verified. */
export const x509Leaf: Scenario = {
  name: 'x509-leaf',
  unit: 'us',
  comparisons: [{ reference: 'x509-bound' }, { reference: 'x509-node' }],
  contenders: (world) => chainContenders(world, 'intermediate', ['x509-bound', 'x509-node']),
}
