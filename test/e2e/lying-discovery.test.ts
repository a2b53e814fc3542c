import { afterEach, describe, expect, it } from 'vitest'
import { lies } from '../world/openid-provider-messages.ts'
import { forged, granted, invalid, noKeys, present, type Running, startBoth } from '../world/running.ts'

let running: Running | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const started = async (...options: Parameters<typeof startBoth>): Promise<Running> => {
  running = await startBoth(...options)
  return running
}

describe('an issuer whose discovery lies', () => {
  it.each(lies)('%s: nothing is believed, and it is not held against the token', async (lie) => {
    const world = await started(undefined, (provider) => provider.lie(lie))
    expect(await present(world, await forged(world))).toEqual(noKeys)
    expect(await present(world, await world.provider.idToken('alice'))).toEqual(noKeys)
    expect((await world.provider.requests()).impostor).toEqual({})
  })

  it.each(lies)('%s, told later: known keys stay, the impostor’s never come', async (lie) => {
    const world = await started()
    const known = await world.provider.idToken('alice')
    expect(await present(world, known)).toEqual(granted)
    await world.provider.lie(lie)
    await world.provider.rotateKeys()
    expect(await present(world, await forged(world))).toEqual(invalid('credential.signature_invalid'))
    expect(await present(world, known)).toEqual(granted)
    expect((await world.provider.requests()).impostor).toEqual({})
  })
})
