import { askedDragoman, getFloor } from './authz.ts'
import { cryptoBound, unique } from './exchange.ts'
import type { Scenario } from './scenario.ts'

/** A gateway asks about requests whose tokens are all new: verification, policy and minting in full. */
export const authzCold: Scenario = {
  name: 'authz-cold',
  unit: 'us',
  comparisons: [
    { reference: 'crypto-bound', target: 0.5 },
    { reference: 'get-floor', informative: true },
  ],
  async contenders(world) {
    const own = await askedDragoman(world, unique(world))
    return [
      ...own.map(({ contender }) => contender),
      await cryptoBound(world, { clientAssertion: false }),
      await getFloor(world, own[0]?.head),
    ]
  },
}
