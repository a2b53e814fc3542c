import { asSecretClient } from '../harness/world.ts'
import { dragoman, exchangeReference, floor, repeated } from './exchange.ts'
import type { Scenario } from './scenario.ts'

/** The same thousand subject tokens come again and again: what has been verified need not be verified anew. */
export const exchangeRepeat: Scenario = {
  name: 'exchange-repeat',
  unit: 'us',
  comparisons: [
    { reference: 'post-floor', target: 0.65 },
    { reference: 'oidc-provider', target: 8 },
    { reference: 'hono-floor', informative: true },
  ],
  async contenders(world) {
    const own = await dragoman(world, asSecretClient, repeated)
    const provider = await exchangeReference(world, 'oidc-provider', asSecretClient, repeated)
    const answer = (own[0] ?? provider).answer
    return [
      ...own.map(({ contender }) => contender),
      provider.contender,
      await floor(world, 'post-floor', answer),
      await floor(world, 'hono-floor', answer),
    ]
  },
}
