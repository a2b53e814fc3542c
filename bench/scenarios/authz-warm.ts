import { askedDragoman, getFloor, haproxyVerifying } from './authz.ts'
import { repeated } from './exchange.ts'
import type { Scenario } from './scenario.ts'

/** A gateway asks about request after request, and the tokens in them have been seen before. */
export const authzWarm: Scenario = {
  name: 'authz-warm',
  unit: 'us',
  comparisons: [
    { reference: 'get-floor', target: 0.75 },
    { reference: 'haproxy-jwt', target: 1.5 },
  ],
  async contenders(world) {
    const own = await askedDragoman(world, repeated)
    return [
      ...own.map(({ contender }) => contender),
      await getFloor(world, own[0]?.head),
      ...(await haproxyVerifying(world)),
    ]
  },
}
