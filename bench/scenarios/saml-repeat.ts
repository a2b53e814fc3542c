import { assertionContenders, setupOf } from './assertions.ts'
import type { Scenario } from './scenario.ts'

/** The same assertion again and again: its conditions are judged anew, its signature and its parts are known. */
export const samlRepeat: Scenario = {
  name: 'saml-repeat',
  unit: 'us',
  comparisons: [{ reference: 'saml-bound' }, { reference: 'saml-node-saml', informative: true }],
  contenders: (world) => assertionContenders(world, setupOf(world, { repeat: true }), ['saml-bound', 'saml-node-saml']),
}
