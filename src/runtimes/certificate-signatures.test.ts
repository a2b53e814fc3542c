import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CertificateAlgorithm } from '../ports/certificate-signatures.ts'
import type { HashAlgorithm } from '../ports/digest.ts'
import { createNodeCertificateSignatures } from './node/certificate-signatures.ts'
import { createWebCertificateSignatures } from './web/certificate-signatures.ts'

const node = createNodeCertificateSignatures()
const web = createWebCertificateSignatures()

interface Pair {
  readonly privateKey: KeyObject
  readonly spki: Uint8Array
}

const pair = (keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }): Pair => ({
  privateKey: keys.privateKey,
  spki: keys.publicKey.export({ type: 'spki', format: 'der' }),
})

const rsa = pair(generateKeyPairSync('rsa', { modulusLength: 2_048 }))
const otherRsa = pair(generateKeyPairSync('rsa', { modulusLength: 2_048 }))
const ed25519 = pair(generateKeyPairSync('ed25519'))
const curves = ['P-256', 'P-384', 'P-521'] as const
const ec = Object.fromEntries(
  [...curves, 'secp256k1'].map((namedCurve) => [namedCurve, pair(generateKeyPairSync('ec', { namedCurve }))]),
)
const ecPair = (curve: string): Pair => ec[curve] ?? ed25519

const hashes: readonly HashAlgorithm[] = ['SHA-256', 'SHA-384', 'SHA-512']
const named = (hash: HashAlgorithm) => hash.replace('-', '').toLowerCase()
const data = Buffer.from('to be signed')

const pss = (hash: HashAlgorithm, saltLength: number) =>
  sign(named(hash), data, { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })

interface Case {
  readonly algorithm: CertificateAlgorithm
  readonly key: Pair
  readonly signature: Uint8Array
}

const cases: readonly Case[] = [
  ...hashes.flatMap((hash): readonly Case[] => [
    { algorithm: { family: 'rsa-pkcs1', hash }, key: rsa, signature: sign(named(hash), data, rsa.privateKey) },
    { algorithm: { family: 'rsa-pss', hash, saltLength: 32 }, key: rsa, signature: pss(hash, 32) },
    ...curves.map((curve) => ({
      algorithm: { family: 'ecdsa', hash, curve } as const,
      key: ecPair(curve),
      signature: sign(named(hash), data, ecPair(curve).privateKey),
    })),
  ]),
  { algorithm: { family: 'ed25519' }, key: ed25519, signature: sign(null, data, ed25519.privateKey) },
]

/** What both say; they must say the same. */
const verdict = async (
  spki: Uint8Array,
  algorithm: CertificateAlgorithm,
  signature: Uint8Array,
  signed: Uint8Array = data,
): Promise<boolean> => {
  const [byNode, byWeb] = await Promise.all(
    [node, web].map((signatures) => signatures.verify(spki, algorithm, signed, signature)),
  )
  expect(byNode).toBe(byWeb)
  return byNode === true
}

describe.each(cases.map((one) => [JSON.stringify(one.algorithm), one] as const))('%s', (_name, one) => {
  const { algorithm, key, signature } = one

  it('holds for the signature, and for none of another text', async () => {
    expect(await verdict(key.spki, algorithm, signature)).toBe(true)
    expect(await verdict(key.spki, algorithm, signature, Buffer.from('something else'))).toBe(false)
  })

  it('says the same of every spoilt signature', async () => {
    const spoilt = fc.oneof(
      fc
        .tuple(fc.nat({ max: signature.length - 1 }), fc.integer({ min: 1, max: 255 }))
        .map(([at, bits]) => signature.map((octet, index) => (index === at ? octet ^ bits : octet))),
      fc.nat({ max: signature.length - 1 }).map((length) => signature.slice(0, length)),
      fc.uint8Array({ minLength: 1, maxLength: 3 }).map((tail) => Buffer.concat([signature, tail])),
      fc.uint8Array({ maxLength: 80 }),
    )
    await fc.assert(
      fc.asyncProperty(spoilt, async (changed) => {
        expect(await verdict(key.spki, algorithm, changed)).toBe(false)
      }),
      { numRuns: 40 },
    )
  })

  it('is for keys of its own kind', async () => {
    for (const other of [rsa, ed25519, ...Object.values(ec)])
      if (other !== key) expect(await verdict(other.spki, algorithm, signature)).toBe(false)
  })

  it('says the same under every spoilt key', async () => {
    const changed = fc
      .tuple(fc.nat({ max: key.spki.length - 1 }), fc.integer({ min: 1, max: 255 }))
      .map(([at, bits]) => Uint8Array.from(key.spki).map((octet, index) => (index === at ? octet ^ bits : octet)))
    await fc.assert(
      fc.asyncProperty(changed, (spki) => verdict(spki, algorithm, signature).then(() => undefined)),
      { numRuns: 30 },
    )
  })
})

describe('certificate signatures', () => {
  it('do not hold with another salt, another padding, another hash', async () => {
    const algorithm = { family: 'rsa-pss', hash: 'SHA-256', saltLength: 32 } as const
    for (const saltLength of [0, 20, 31, 33, 222])
      expect(await verdict(rsa.spki, algorithm, pss('SHA-256', saltLength))).toBe(false)
    expect(await verdict(rsa.spki, algorithm, sign('sha256', data, rsa.privateKey))).toBe(false)
    expect(await verdict(rsa.spki, { family: 'rsa-pkcs1', hash: 'SHA-256' }, pss('SHA-256', 32))).toBe(false)
    expect(
      await verdict(rsa.spki, { family: 'rsa-pkcs1', hash: 'SHA-384' }, sign('sha256', data, rsa.privateKey)),
    ).toBe(false)
    expect(await verdict(otherRsa.spki, algorithm, pss('SHA-256', 32))).toBe(false)
  })

  it('are of the curve that is asked for', async () => {
    const signature = sign('sha256', data, ecPair('P-256').privateKey)
    const askFor = (curve: 'P-256' | 'P-384') => ({ family: 'ecdsa', hash: 'SHA-256', curve }) as const
    expect(await verdict(ecPair('P-256').spki, askFor('P-384'), signature)).toBe(false)
    const foreign = sign('sha256', data, ecPair('secp256k1').privateKey)
    expect(await verdict(ecPair('secp256k1').spki, askFor('P-256'), foreign)).toBe(false)
  })

  it('are in DER and in nothing like it', async () => {
    const { spki, privateKey } = ecPair('P-256')
    const signature = sign('sha256', data, privateKey)
    const [r, s] = halves(signature)
    const algorithm = { family: 'ecdsa', hash: 'SHA-256', curve: 'P-256' } as const
    const raw = sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    const hostile: readonly Uint8Array[] = [
      raw,
      new Uint8Array(0),
      der(0x30, r),
      der(0x30, r, s, s),
      der(0x31, r, s),
      der(0x30, padded(r), s),
      der(0x30, r, padded(s)),
      der(0x30, der(0x02), s),
      der(0x30, der(0x02, Uint8Array.of(0)), s),
      der(0x30, der(0x02, Uint8Array.of(0x80)), s),
      Buffer.concat([Uint8Array.of(0x30, 0x81, r.length + s.length), r, s]),
      Buffer.concat([Uint8Array.of(0x30, 0x80), r, s, Uint8Array.of(0, 0)]),
    ]
    for (const forged of hostile) expect(await verdict(spki, algorithm, forged)).toBe(false)
    expect(await verdict(spki, algorithm, der(0x30, r, s))).toBe(true)
  })

  it('remember keys by their bytes and not by who holds them', async () => {
    const copy = Uint8Array.from(rsa.spki)
    const algorithm = { family: 'rsa-pkcs1', hash: 'SHA-256' } as const
    const signature = sign('sha256', data, rsa.privateKey)
    expect(await verdict(copy, algorithm, signature)).toBe(true)
    copy.fill(0, 40)
    expect(await verdict(copy, algorithm, signature)).toBe(false)
    expect(await verdict(new Uint8Array(2_000), algorithm, signature)).toBe(false)
  })
})

const der = (tag: number, ...content: readonly Uint8Array[]): Uint8Array => {
  const value = Buffer.concat(content)
  return Buffer.concat([Uint8Array.of(tag, value.length), value])
}

/** The two INTEGERs of a signature of less than 128 octets. */
const halves = (signature: Uint8Array): readonly [Uint8Array, Uint8Array] => {
  const end = 4 + (signature[3] ?? 0)
  return [signature.slice(2, end), signature.slice(end)]
}

/** An INTEGER with a zero in front that it does not need. */
const padded = (integer: Uint8Array): Uint8Array => der(0x02, Uint8Array.of(0), integer.slice(2))
