import { describe, expect, it } from 'vitest'
import { allTargets, runCampaign } from './fuzz/campaign.ts'

/** A short run of `npm run fuzz`, always of the same cases but for the keys in them. */

const cases = 2_000

describe('hostile certificates, chains, headers, assertions and workload identities', () => {
  it('end in a value or a refusal, in time', async () => {
    const result = await runCampaign(allTargets(), { cases, seconds: 60, seed: 20_260_601, batchFactor: 1 })
    expect(result.failures).toEqual([])
    expect(result.cases).toBe(cases)
    expect(Object.keys(result.byTarget).toSorted()).toEqual(
      allTargets()
        .map(({ name }) => name)
        .toSorted(),
    )
  }, 60_000)
})
