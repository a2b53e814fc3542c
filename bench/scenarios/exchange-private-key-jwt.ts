import { asKeyClient } from '../harness/world.ts'
import { cryptoBound, dragoman, exchangeReference, unique } from './exchange.ts'
import type { Scenario } from './scenario.ts'

/** Every subject token is new, and so is every client assertion: one ES256 verification more, and a replay guard. */
export const exchangePrivateKeyJwt: Scenario = {
  name: 'exchange-private-key-jwt',
  unit: 'us',
  comparisons: [{ reference: 'crypto-bound', target: 0.5 }, { reference: 'oidc-provider' }],
  async contenders(world) {
    const use = unique(world)
    const own = await dragoman(world, asKeyClient, use)
    const provider = await exchangeReference(world, 'oidc-provider', asKeyClient, use)
    return [
      ...own.map(({ contender }) => contender),
      await cryptoBound(world, { clientAssertion: true }),
      provider.contender,
    ]
  },
}
