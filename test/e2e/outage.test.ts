import { afterEach, describe, expect, it } from 'vitest'
import { eventually, subjectTokenTypes } from '../world/dragoman.ts'
import { outages } from '../world/faulty-front.ts'
import { granted, noKeys, present, type Running, startBoth } from '../world/running.ts'

let running: Running | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const started = async (...options: Parameters<typeof startBoth>): Promise<Running> => {
  running = await startBoth(...options)
  return running
}

/** Presents `token` until it is granted, for at most `milliseconds`. */
const isGranted = (world: Running, token: string, milliseconds: number) =>
  eventually(async () => ((await present(world, token)).status === 200 ? true : undefined), milliseconds)

describe('an issuer that cannot be asked for its keys', () => {
  it.each(outages)('%s: known keys keep working, an unknown one is not held against the token', async (kind) => {
    const world = await started()
    const known = await world.provider.idToken('alice')
    expect(await present(world, known)).toEqual(granted)
    await world.provider.rotateKeys()
    const unknown = await world.provider.idToken('alice')
    await world.provider.outage(kind)
    expect(await present(world, known)).toEqual(granted)
    expect(await present(world, unknown)).toEqual(noKeys)
    expect(await present(world, known)).toEqual(granted)
  })

  it('from the start: dragoman serves, answers 503, and recovers by itself', async () => {
    const world = await started(undefined, (provider) => provider.outage('503'))
    const token = await world.provider.idToken('alice')
    const form = { subject_token: token, subject_token_type: subjectTokenTypes.idToken }
    const answer = await world.dragoman.exchange(form)
    expect([answer.status, answer.body.error]).toEqual([noKeys.status, noKeys.error])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    await world.provider.restore()
    await isGranted(world, token, 20_000)
  })

  it('for a while: a key that is new since then is learned without a restart', { timeout: 90_000 }, async () => {
    const world = await started()
    expect(await present(world, await world.provider.idToken('alice'))).toEqual(granted)
    await world.provider.rotateKeys()
    const unknown = await world.provider.idToken('alice')
    await world.provider.outage('refused')
    expect(await present(world, unknown)).toEqual(noKeys)
    await world.provider.restore()
    await isGranted(world, unknown, 45_000)
  })
})
