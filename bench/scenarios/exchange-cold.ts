import { asSecretClient } from '../harness/world.ts'
import { cryptoBound, dragoman, exchangeReference, floor, unique } from './exchange.ts'
import type { Scenario } from './scenario.ts'

/** Every subject token is new: verification, policy and minting in full. */
export const exchangeCold: Scenario = {
  name: 'exchange-cold',
  unit: 'us',
  comparisons: [
    { reference: 'crypto-bound', target: 0.5 },
    { reference: 'oidc-provider', target: 3.5 },
    { reference: 'hono-zod-jose', target: 2.2 },
    { reference: 'post-floor', informative: true },
    { reference: 'hono-floor', informative: true },
  ],
  async contenders(world) {
    const use = unique(world)
    const own = await dragoman(world, asSecretClient, use)
    const provider = await exchangeReference(world, 'oidc-provider', asSecretClient, use)
    const conventional = await exchangeReference(world, 'hono-zod-jose', asSecretClient, use)
    const answer = (own[0] ?? conventional).answer
    return [
      ...own.map(({ contender }) => contender),
      await cryptoBound(world, { clientAssertion: false }),
      provider.contender,
      conventional.contender,
      await floor(world, 'post-floor', answer),
      await floor(world, 'hono-floor', answer),
    ]
  },
}
