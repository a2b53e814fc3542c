import { expect, it } from 'vitest'
import { createNodeSignatures } from '../runtimes/node/signatures.ts'
import { importKeyring, reusableUnder } from './keyring.ts'
import { ownKeys } from './own-keys.ts'
import type { StoredKey } from './stored-key.ts'

const signatures = createNodeSignatures()
const stored = async (kid: string, times: Partial<StoredKey>): Promise<StoredKey> => ({
  kid,
  alg: 'ES256',
  createdAt: 0,
  activeFrom: 0,
  privateKey: await signatures.generate('ES256'),
  ...times,
})

const overlap = { maxTtl: 100, skew: 10 }
const ringOf = async (...keys: readonly StoredKey[]) => importKeyring(keys, signatures, overlap)

it('a key of ours is still offered until it is published no more', async () => {
  const ring = await ringOf(await stored('one', { retireAt: 500 }), await stored('two', { activeFrom: 200 }))
  const keys = ownKeys(() => ring, signatures)
  const hint = { alg: 'ES256', kid: 'one' } as const
  const [one] = (await keys.candidates(hint, 0)).keys
  const [two] = (await keys.candidates({ ...hint, kid: 'two' }, 0)).keys
  if (one === undefined || two === undefined) throw new Error('unreachable')
  expect(keys.stillOffers(one, hint, 309)).toEqual({ stale: false })
  expect(keys.stillOffers(one, hint, 310)).toBeUndefined()
  expect(keys.stillOffers(two, hint, 0)).toBeUndefined()
})

it('a token is handed out again to its end where its key is published that long', async () => {
  const ring = await ringOf(await stored('one', {}), await stored('two', { activeFrom: 200 }))
  expect(reusableUnder(ring, 150, 250)).toBe(250)
})

it('and else while no other key signs', async () => {
  const retired = await ringOf(await stored('one', { retireAt: 230 }), await stored('two', { activeFrom: 200 }))
  expect(reusableUnder(retired, 150, 250)).toBe(200)
  expect(reusableUnder(await ringOf(await stored('one', { retireAt: 230 })), 150, 250)).toBe(230)
  expect(reusableUnder(await ringOf(await stored('one', { retireAt: 230 })), 240, 250)).toBe(240)
})
