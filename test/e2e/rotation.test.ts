import { afterEach, describe, expect, it } from 'vitest'
import { paths } from '../world/openid-provider-settings.ts'
import { granted, invalid, present, type Running, startBoth } from '../world/running.ts'

let running: Running | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const started = async (...options: Parameters<typeof startBoth>): Promise<Running> => {
  running = await startBoth(...options)
  return running
}

const jwksFetches = async ({ provider }: Running) => (await provider.requests()).issuer[`GET ${paths.jwks}`] ?? 0

describe('an issuer that rotates its keys', () => {
  it('a new key is picked up by one fetch, however many ask at once; the old key is gone with it', async () => {
    const world = await started()
    const old = await world.provider.idToken('alice')
    expect(await present(world, old)).toEqual(granted)
    const before = await jwksFetches(world)

    await world.provider.rotateKeys()
    const fresh = await world.provider.idToken('alice')
    const answers = await Promise.all(Array.from({ length: 20 }, () => present(world, fresh)))
    expect(answers).toEqual(Array.from({ length: 20 }, () => granted))
    expect(await jwksFetches(world)).toBe(before + 1)
    expect(await present(world, old)).toEqual(invalid('credential.key_unknown'))
    expect(await jwksFetches(world)).toBe(before + 1)
  })

  it('the old key stays good while it is published', async () => {
    const world = await started()
    const old = await world.provider.idToken('alice')
    expect(await present(world, old)).toEqual(granted)
    await world.provider.rotateKeys({ keepOld: true })
    expect(await present(world, await world.provider.idToken('alice'))).toEqual(granted)
    expect(await present(world, old)).toEqual(granted)
  })
})
