import { beforeAll, describe, expect, it } from 'vitest'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { createNodeSignatures } from '../runtimes/node/signatures.ts'
import { importKeyring, jwksOf, type Keyring, signingKey } from './keyring.ts'
import { mintAlgorithms, newStoredKey, type StoredKey } from './stored-key.ts'

const signatures = createNodeSignatures()
const ports = { signatures, digest: createNodeDigest() }
const overlap = { maxTtl: 1_000, skew: 10 }
const algorithms = mintAlgorithms.filter((algorithm) => signatures.supported.has(algorithm))

describe('a keyring through a rotation', () => {
  let first: StoredKey
  let second: StoredKey
  let keyring: Keyring

  beforeAll(async () => {
    first = { ...(await newStoredKey('ES256', 0, ports)), activeFrom: 100 }
    second = { ...(await newStoredKey('EdDSA', 50, ports)), activeFrom: 200 }
    keyring = await importKeyring([first, second], signatures, overlap)
  })

  const published = (now: number) => jwksOf(keyring, now).keys.map((key) => key['kid'])

  it('signs with the active key and publishes all that verifiers need', () => {
    expect(signingKey(keyring, 99)).toBeUndefined()
    expect(signingKey(keyring, 100)?.kid).toBe(first.kid)
    expect(published(100)).toEqual([first.kid, second.kid])
    expect(signingKey(keyring, 199.9)?.kid).toBe(first.kid)
    expect(signingKey(keyring, 200)?.kid).toBe(second.kid)
    expect(published(1_209)).toEqual([first.kid, second.kid])
    expect(published(1_210)).toEqual([second.kid])
  })

  it('answers rightly when the clock is set back', () => {
    expect(published(5_000)).toEqual([second.kid])
    expect(signingKey(keyring, 150)?.kid).toBe(first.kid)
    expect(published(150)).toEqual([first.kid, second.kid])
  })

  it('is empty without keys', async () => {
    const empty = await importKeyring([], signatures)
    expect(signingKey(empty, 1)).toBeUndefined()
    expect(jwksOf(empty, 1)).toEqual({ keys: [] })
  })
})

describe('what is published of a key', () => {
  const members: Readonly<Record<string, readonly string[]>> = {
    ES256: ['kty', 'crv', 'x', 'y'],
    EdDSA: ['kty', 'crv', 'x'],
    RS256: ['kty', 'n', 'e'],
    PS256: ['kty', 'n', 'e'],
    'ML-DSA-65': ['kty', 'pub'],
  }

  it.each(algorithms)('of %s is its public half', async (algorithm) => {
    const stored = { ...(await newStoredKey(algorithm, 0, ports)), activeFrom: 0 }
    const [jwk] = jwksOf(await importKeyring([stored], signatures), 1).keys
    expect(Object.keys(jwk ?? {}).toSorted()).toEqual([...(members[algorithm] ?? []), 'alg', 'kid', 'use'].toSorted())
    expect(jwk).toMatchObject({ kid: stored.kid, alg: algorithm, use: 'sig' })
  })
})

describe('a key that cannot be trusted to sign', () => {
  it('has halves of two keys', async () => {
    const [one, two] = [await newStoredKey('ES256', 0, ports), await newStoredKey('ES256', 0, ports)]
    const mixed = { ...one, privateKey: { ...one.privateKey, d: two.privateKey['d'] ?? '' } }
    await expect(importKeyring([mixed], signatures)).rejects.toThrow(`the signing key ${one.kid} cannot be used`)
  })

  it('is of an algorithm that the runtime lacks', async () => {
    const key = await newStoredKey('ES256', 0, ports)
    const poor = { ...signatures, importPrivateKey: () => Promise.reject(new Error('this runtime cannot do ES256')) }
    await expect(importKeyring([key], poor)).rejects.toThrow('cannot do ES256')
  })
})
