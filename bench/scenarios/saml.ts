import { assertionContenders, setupOf, xmlsec1Contenders } from './assertions.ts'
import type { Scenario } from './scenario.ts'

/** Every assertion is new: parsing, canonicalization, signature, conditions and claims in full. */
export const saml: Scenario = {
  name: 'saml',
  unit: 'us',
  comparisons: [
    { reference: 'saml-xml-crypto', target: 15 },
    { reference: 'saml-node-saml' },
    { reference: 'xmlsec1', target: 1 },
    { reference: 'xmlsec1-pinned' },
    { reference: 'saml-bound' },
  ],
  contenders: async (world) => {
    const setup = setupOf(world, { repeat: false })
    return [
      ...(await assertionContenders(world, setup, ['saml-xml-crypto', 'saml-node-saml', 'saml-bound'])),
      ...(await xmlsec1Contenders(world, setup)),
    ]
  },
}
