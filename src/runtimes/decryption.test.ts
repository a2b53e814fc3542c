import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pemOf } from '../../test/world/certificates.ts'
import { integer, nothing, octetString, oid, sequence } from '../../test/world/der.ts'
import { sealed, wrappedFor } from '../../test/world/xml-encryption.ts'
import { secret } from '../domain/secret.ts'
import type { OaepHash } from '../ports/decryption.ts'
import { createWebDecryption } from './web/decryption.ts'

const web = createWebDecryption()
const hashes: readonly OaepHash[] = ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512']

const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength })
const imported = (pem: string) => web.importPrivateKey(secret(pem))

const mine = rsa(2_048)
const other = rsa(2_048)
const key = await imported(pkcs8(mine.privateKey))
const otherKey = await imported(pkcs8(other.privateKey))

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))
const flipped = (octets: Uint8Array, bit: number) =>
  Uint8Array.from(octets, (octet, index) => (index === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet))

/** In the form of a key; primes take long to find. */
const hugeKey = () => {
  const factor = 2n ** 2_051n + 2n ** 2_050n + 1n
  const parts = [0n, factor * factor, 65_537n, factor, factor, factor, factor, factor, factor].map(integer)
  return sequence(integer(0), sequence(oid('1.2.840.113549.1.1.1'), nothing()), octetString(sequence(...parts)))
}

describe('a decryption key', () => {
  it('may have text around it, and is known again', async () => {
    const pem = pkcs8(mine.privateKey)
    const again = await imported(`Bag Attributes\n    friendlyName: sp\n${pem}\n`)
    expect(again).not.toBe(key)
    expect(again.id).toBe(key.id)
    expect(otherKey.id).not.toBe(key.id)
    expect(JSON.stringify(key)).toMatch(/^\{"id":"[\w-]{43}","octets":256\}$/)
  })

  it.each([3_072, 4_096])('may have %s bits', async (bits) => {
    const { privateKey, publicKey } = rsa(bits)
    const contentKey = randomBytes(32)
    const wrapped = wrappedFor(publicKey, 'SHA-256', contentKey)
    expect(await web.unwrap(await imported(pkcs8(privateKey)), 'SHA-256', wrapped)).toEqual(new Uint8Array(contentKey))
  })

  const form = 'a decryption key must be one PEM block -----BEGIN PRIVATE KEY----- (PKCS #8, not encrypted): '
  const hint = '; `openssl pkcs8 -topk8 -nocrypt` makes it from other forms'
  const size = 'a decryption key must be an RSA key of 2048 to 4096 bits: '
  const pem = pkcs8(mine.privateKey)
  const refusals: readonly (readonly [string, string, string])[] = [
    ['no PEM', 'hunter2', `${form}the PEM has no block${hint}`],
    ['two keys', pem + pkcs8(other.privateKey), `${form}the PEM has more than one block${hint}`],
    [
      'PKCS #1',
      mine.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
      `${form}the PEM has a block of another kind${hint}`,
    ],
    [
      'an encrypted key',
      mine.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hunter2' }).toString(),
      `${form}the PEM has a block of another kind${hint}`,
    ],
    [
      'a public key',
      mine.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      `${form}the PEM has a block of another kind${hint}`,
    ],
    ['a key without an end', pem.slice(0, -30), `${form}the PEM has a block that does not end${hint}`],
    ['a key that is not base64', pem.replace('MII', 'M!I'), `${form}the text is not base64${hint}`],
    ['octets that are no key', pemOf(randomBytes(300), 'PRIVATE KEY'), `${size}it cannot be read as one`],
    [
      'an EC key',
      pkcs8(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
      `${size}it cannot be read as one`,
    ],
    [
      'an RSA key for PSS only',
      pkcs8(generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }).privateKey),
      `${size}it cannot be read as one`,
    ],
    ['1024 bits', pkcs8(rsa(1_024).privateKey), `${size}it has 1024`],
    ['2047 bits', pkcs8(rsa(2_047).privateKey), `${size}it has 2047`],
  ]

  it.each(refusals)('is not %s', async (_, text, message) => {
    await expect(imported(text)).rejects.toThrow(new Error(message))
  })

  it('is not of more than 4096 bits', async () => {
    await expect(imported(pemOf(hugeKey(), 'PRIVATE KEY'))).rejects.toThrow(new Error(`${size}it has 4104`))
  })
})

describe.each(hashes)('RSA-OAEP with %s', (hash) => {
  it.each([16, 24, 32])('unwraps what OpenSSL has wrapped: %s octets', async (length) => {
    const contentKey = randomBytes(length)
    expect(await web.unwrap(key, hash, wrappedFor(mine.publicKey, hash, contentKey))).toEqual(
      new Uint8Array(contentKey),
    )
  })

  it('takes no other key, hash, label or length', async () => {
    const wrapped = wrappedFor(mine.publicKey, hash, randomBytes(32))
    expect(await web.unwrap(otherKey, hash, wrapped)).toBeUndefined()
    for (const wrong of hashes.filter((one) => one !== hash))
      expect(await web.unwrap(key, wrong, wrapped)).toBeUndefined()
    const labelled = wrappedFor(mine.publicKey, hash, randomBytes(32), 'label')
    expect(await web.unwrap(key, hash, labelled)).toBeUndefined()
    for (const octets of [wrapped.subarray(1), Buffer.concat([Buffer.alloc(1), wrapped]), new Uint8Array(0)])
      expect(await web.unwrap(key, hash, octets)).toBeUndefined()
  })

  it('takes a ciphertext that begins with zeros in its full length only', async () => {
    const short = (): Uint8Array => {
      for (;;) {
        const wrapped = wrappedFor(mine.publicKey, hash, new Uint8Array(16))
        if (wrapped[0] === 0) return wrapped
      }
    }
    const wrapped = short()
    expect(await web.unwrap(key, hash, wrapped)).toEqual(new Uint8Array(16))
    expect(await web.unwrap(key, hash, wrapped.subarray(1))).toBeUndefined()
  })
})

describe('unwrapping', () => {
  it('takes nothing with a bit changed', async () => {
    const wrapped = wrappedFor(mine.publicKey, 'SHA-256', randomBytes(32))
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 2_047 }), async (bit) => {
        expect(await web.unwrap(key, 'SHA-256', flipped(wrapped, bit))).toBeUndefined()
      }),
      { numRuns: 100 },
    )
  })

  it('takes no number as large as the modulus', async () => {
    const modulus = Buffer.from(mine.publicKey.export({ format: 'jwk' }).n ?? '', 'base64url')
    for (const octets of [modulus, new Uint8Array(256).fill(255), new Uint8Array(256)])
      expect(await web.unwrap(key, 'SHA-1', octets)).toBeUndefined()
  })

  it('knows only keys that it imported itself', async () => {
    const contentKey = randomBytes(32)
    const wrapped = wrappedFor(mine.publicKey, 'SHA-256', contentKey)
    const foreign = await createWebDecryption().importPrivateKey(secret(pkcs8(mine.privateKey)))
    expect(await web.unwrap(foreign, 'SHA-256', wrapped)).toBeUndefined()
    expect(await web.unwrap(key, 'SHA-256', wrapped)).toEqual(new Uint8Array(contentKey))
  })
})

describe('AES-GCM', () => {
  /** Test cases 1, 2, 7, 8, 13 and 14 of McGrew and Viega's specification of GCM: keys and IVs of zeros. */
  const vectors: readonly (readonly [number, string, string])[] = [
    [16, '', '58e2fccefa7e3061367f1d57a4e7455a'],
    [16, '00'.repeat(16), '0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf'],
    [24, '', 'cd33b28ac773f74ba00ed1f312572435'],
    [24, '00'.repeat(16), '98e7247c07f0fe411c267e4384b0f6002ff58d80033927ab8ef4d4587514f0fb'],
    [32, '', '530f8afbc74536b9a963b4f1c4cb738b'],
    [32, '00'.repeat(16), 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919'],
  ]

  it.each(vectors)('opens what the specification says: %s octets of key, "%s"', async (length, plain, text) => {
    expect(await web.open(new Uint8Array(length), new Uint8Array(12), hex(text))).toEqual(hex(plain))
  })

  const contentKey = randomBytes(32)
  const made = sealed('a name', contentKey)
  const [iv, body] = [made.subarray(0, 12), made.subarray(12)]

  it('opens what OpenSSL has sealed', async () => {
    expect(await web.open(contentKey, iv, body)).toEqual(new Uint8Array(Buffer.from('a name')))
  })

  it('takes no other key and no length but its own', async () => {
    expect(await web.open(randomBytes(32), iv, body)).toBeUndefined()
    for (const length of [0, 1, 15, 16, 24, 31, 33, 64])
      expect(await web.open(Buffer.concat([contentKey, contentKey]).subarray(0, length), iv, body)).toBeUndefined()
    for (let length = 0; length < body.length; length++)
      expect(await web.open(contentKey, iv, body.subarray(0, length))).toBeUndefined()
    expect(await web.open(contentKey, iv, Buffer.concat([body, Buffer.alloc(1)]))).toBeUndefined()
  })

  it('takes no IV but one of 12 octets, whatever OpenSSL would', async () => {
    for (const length of [1, 8, 11, 13, 16]) {
      const odd = sealed('a name', contentKey, randomBytes(length))
      expect(await web.open(contentKey, odd.subarray(0, length), odd.subarray(length))).toBeUndefined()
    }
    expect(await web.open(contentKey, new Uint8Array(0), body)).toBeUndefined()
  })

  it('takes nothing with a bit changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: made.length * 8 - 1 }), async (bit) => {
        const changed = flipped(made, bit)
        expect(await web.open(contentKey, changed.subarray(0, 12), changed.subarray(12))).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })
})
