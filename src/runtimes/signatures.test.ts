import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Claims, Json } from '../domain/claims.ts'
import { decodeBase64url, encodeBase64url } from '../formats/base64url.ts'
import { type JwsAlgorithm, jwsAlgorithms, type Signatures } from '../ports/signatures.ts'
import { createNodeSignatures } from './node/signatures.ts'
import { createWebSignatures } from './web/signatures.ts'

const node = createNodeSignatures()
const web = await createWebSignatures()
const algorithms = jwsAlgorithms.filter((algorithm) => node.supported.has(algorithm) && web.supported.has(algorithm))

/** The private half of a key, for its owner alone. */
const privateNames = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'priv'])
const publicPart = (jwk: Claims): Claims =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !privateNames.has(name)))

/** What both say to one question; they must say the same. */
const verdict = async (jwk: Claims, algorithm: JwsAlgorithm, input: string, signature: Uint8Array) => {
  const ask = async (signatures: Signatures) =>
    signatures.verify(await signatures.importPublicKey(jwk, algorithm), input, signature)
  const [byNode, byWeb] = await Promise.all([ask(node), ask(web)])
  expect(byNode).toBe(byWeb)
  return byNode
}

const signWith = async (signatures: Signatures, jwk: Claims, algorithm: JwsAlgorithm, input: string) =>
  signatures.sign(await signatures.importPrivateKey(jwk, algorithm), input)

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '')

const pairs = new Map<JwsAlgorithm, { readonly mine: Claims; readonly other: Claims }>()
const pairOf = (algorithm: JwsAlgorithm) => {
  const pair = pairs.get(algorithm)
  if (pair === undefined) throw new Error('no keys were made')
  return pair
}

beforeAll(async () => {
  for (const algorithm of algorithms)
    pairs.set(algorithm, { mine: await node.generate(algorithm), other: await web.generate(algorithm) })
})

const curveOrders: Partial<Record<JwsAlgorithm, bigint>> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512:
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
}

const bytesOf = (number: bigint, size: number) =>
  Uint8Array.from(
    (
      number
        .toString(16)
        .padStart(2 * size, '0')
        .match(/../g) ?? []
    ).map((octet) => Number.parseInt(octet, 16)),
  )
const numberOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const join = (...parts: readonly Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]))

/** Ways to spoil a signature. Some leave it as it was. */
const spoilt = (signature: Uint8Array): fc.Arbitrary<Uint8Array> => {
  const at = fc.nat({ max: Math.max(signature.length - 1, 0) })
  return fc.oneof(
    fc
      .tuple(at, fc.nat({ max: 7 }))
      .map(([index, bit]) => signature.map((octet, i) => (i === index ? octet ^ (1 << bit) : octet))),
    at.map((length) => signature.subarray(0, length)),
    fc.uint8Array({ minLength: 1, maxLength: 8 }).map((tail) => join(signature, tail)),
    fc.uint8Array({ minLength: 1, maxLength: 8 }).map((head) => join(head, signature)),
    fc.uint8Array({ maxLength: signature.length }),
    fc.constantFrom(new Uint8Array(0), new Uint8Array(signature.length), new Uint8Array(signature.length).fill(255)),
  )
}

describe.each(algorithms)('%s', (algorithm) => {
  it('verifies what either implementation signed', async () => {
    const { mine } = pairOf(algorithm)
    for (const signatures of [node, web]) {
      const signature = await signWith(signatures, mine, algorithm, 'a.b')
      expect(await verdict(publicPart(mine), algorithm, 'a.b', signature)).toBe(true)
    }
  })

  it('refuses another key, another input and no signature', async () => {
    const { mine, other } = pairOf(algorithm)
    const signature = await signWith(node, mine, algorithm, 'a.b')
    expect(await verdict(publicPart(other), algorithm, 'a.b', signature)).toBe(false)
    expect(await verdict(publicPart(mine), algorithm, 'a.c', signature)).toBe(false)
    expect(await verdict(publicPart(mine), algorithm, '', signature)).toBe(false)
    expect(await verdict(publicPart(mine), algorithm, 'a.b', new Uint8Array(0))).toBe(false)
  })

  it('says the same of every spoilt signature', async () => {
    const { mine } = pairOf(algorithm)
    const jwk = publicPart(mine)
    const signature = await signWith(node, mine, algorithm, 'a.b')
    await fc.assert(
      fc.asyncProperty(spoilt(signature), async (changed) => {
        const same = Buffer.compare(changed, signature) === 0
        expect(await verdict(jwk, algorithm, 'a.b', changed)).toBe(same)
      }),
      { numRuns: 60 },
    )
  })

  it('says the same of every other input', async () => {
    const { mine } = pairOf(algorithm)
    const signature = await signWith(web, mine, algorithm, 'a.b')
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (input) => {
        expect(await verdict(publicPart(mine), algorithm, input, signature)).toBe(input === 'a.b')
      }),
      { numRuns: 30 },
    )
  })

  it('imports the same keys, whatever is changed in them', async () => {
    const { mine } = pairOf(algorithm)
    const jwk = publicPart(mine)
    const signature = await signWith(node, mine, algorithm, 'a.b')
    const members = Object.keys(jwk)
    const odd = fc.oneof(
      fc.constantFrom('', 'AA', 'A', 'P-256', 'RS256', '!!', null, 7),
      fc.base64String({ maxLength: 90 }),
    )
    const flipped = (member: string, at: number): Claims => {
      const bytes = decodeBase64url(textOf(jwk[member]))
      bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ 1
      return { ...jwk, [member]: encodeBase64url(bytes) }
    }
    const material = members.filter((member) => ['n', 'x', 'y', 'pub'].includes(member))
    const changed: fc.Arbitrary<Claims> = fc.oneof(
      fc.tuple(fc.constantFrom(...members), odd).map(([member, value]) => ({ ...jwk, [member]: value })),
      fc.tuple(fc.constantFrom(...material), fc.nat()).map(([member, at]) => flipped(member, at)),
    )
    const outcome = (signatures: Signatures, key: Claims) =>
      signatures
        .importPublicKey(key, algorithm)
        .then((handle) => signatures.verify(handle, 'a.b', signature))
        .then(String, () => 'refused')
    await fc.assert(
      fc.asyncProperty(changed, async (key) => {
        const [byNode, byWeb] = await Promise.all([outcome(node, key), outcome(web, key)])
        expect(byNode).toBe(byWeb)
      }),
      { numRuns: 80 },
    )
  })

  it('refuses a private key where a public one belongs, and the reverse', async () => {
    const { mine } = pairOf(algorithm)
    for (const signatures of [node, web]) {
      await expect(signatures.importPublicKey(mine, algorithm)).rejects.toThrow('contains its private part')
      await expect(signatures.importPrivateKey(publicPart(mine), algorithm)).rejects.toThrow('lacks a proper')
    }
  })

  it('refuses a key that names another algorithm', async () => {
    const jwk = { ...publicPart(pairOf(algorithm).mine), alg: 'ES256K' }
    for (const signatures of [node, web])
      await expect(signatures.importPublicKey(jwk, algorithm)).rejects.toThrow('not for the algorithm')
  })

  it('knows only keys that it imported itself', async () => {
    const { mine } = pairOf(algorithm)
    const signature = await signWith(node, mine, algorithm, 'a.b')
    const foreign = await web.importPublicKey(publicPart(mine), algorithm)
    expect(await node.verify(foreign, 'a.b', signature)).toBe(false)
    const foreignPrivate = await web.importPrivateKey(mine, algorithm)
    await expect(node.sign(foreignPrivate, 'a.b')).rejects.toThrow('not imported here')
  })
})

describe.each(algorithms.filter((algorithm) => algorithm.startsWith('ES')))('%s in the form r || s', (algorithm) => {
  const order = curveOrders[algorithm] ?? 0n
  const size = { ES256: 32, ES384: 48, ES512: 66 }[algorithm as string] ?? 0

  it('judges numbers that are zero, too large or out of place alike', async () => {
    const { mine } = pairOf(algorithm)
    const jwk = publicPart(mine)
    const signature = await signWith(node, mine, algorithm, 'a.b')
    const [r, s] = [signature.subarray(0, size), signature.subarray(size)]
    const zero = new Uint8Array(size)
    const hostile: readonly Uint8Array[] = [
      join(zero, zero),
      join(r, zero),
      join(zero, s),
      join(bytesOf(1n, size), bytesOf(1n, size)),
      join(bytesOf(order, size), bytesOf(order, size)),
      join(r, bytesOf(order, size)),
      join(bytesOf(order - 1n, size), bytesOf(order - 1n, size)),
      join(new Uint8Array(size).fill(255), s),
      join(s, r),
      join(zero, signature),
      join(new Uint8Array(1), r, new Uint8Array(1), s),
      r,
    ]
    for (const forged of hostile) expect(await verdict(jwk, algorithm, 'a.b', forged)).toBe(false)
    const mirrored = join(r, bytesOf(order - numberOf(s), size))
    expect(await verdict(jwk, algorithm, 'a.b', mirrored)).toBe(true)
  })

  it('carries numbers with leading zeros', async () => {
    const { mine } = pairOf(algorithm)
    const key = await node.importPrivateKey(mine, algorithm)
    const isShort = (signature: Uint8Array) => signature[0] === 0 && (algorithm !== 'ES512' || signature[1] === 0)
    const short = async (): Promise<{ input: string; signature: Uint8Array }> => {
      for (let round = 0; round < 200; round++) {
        const inputs = Array.from({ length: 64 }, (_, index) => `round.${round}.${index}`)
        const signatures = await Promise.all(inputs.map((input) => node.sign(key, input)))
        const at = signatures.findIndex(isShort)
        const [input, signature] = [inputs[at], signatures[at]]
        if (input !== undefined && signature !== undefined) return { input, signature }
      }
      throw new Error('no such signature was found')
    }
    const { input, signature } = await short()
    expect(signature).toHaveLength(2 * size)
    expect(await verdict(publicPart(mine), algorithm, input, signature)).toBe(true)
  })
})

describe('PS256', () => {
  it('takes no salt but that of the length of the hash', async () => {
    const { createPrivateKey, sign, constants } = await import('node:crypto')
    const { mine } = pairOf('PS256')
    const key = createPrivateKey({ key: mine, format: 'jwk' })
    const pss = (saltLength: number) =>
      sign('sha256', Buffer.from('a.b'), { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })
    for (const saltLength of [0, 20, 31, 33, 222])
      expect(await verdict(publicPart(mine), 'PS256', 'a.b', pss(saltLength))).toBe(false)
    expect(await verdict(publicPart(mine), 'PS256', 'a.b', pss(32))).toBe(true)
  })

  it('does not take PKCS #1 v1.5 padding, nor RS256 a PSS', async () => {
    const { mine } = pairOf('PS256')
    const jwk = { kty: 'RSA', n: textOf(mine['n']), e: textOf(mine['e']) }
    const bare = { ...mine, alg: 'RS256' }
    const pkcs1 = await signWith(node, bare, 'RS256', 'a.b')
    expect(await verdict(jwk, 'PS256', 'a.b', pkcs1)).toBe(false)
    expect(await verdict(jwk, 'RS256', 'a.b', await signWith(node, mine, 'PS256', 'a.b'))).toBe(false)
  })
})

describe('one turn of the event loop', () => {
  it('does all verifications, then all signatures, and one failure harms no other', async () => {
    const { mine } = pairOf('ES256')
    const publicKey = await node.importPublicKey(publicPart(mine), 'ES256')
    const privateKey = await node.importPrivateKey(mine, 'ES256')
    const good = await node.sign(privateKey, 'a.b')
    const order: string[] = []
    await Promise.all([
      node.sign(privateKey, 'a.b').then(() => order.push('sign')),
      node.verify(publicKey, 'a.b', good).then((answer) => order.push(`verify ${answer}`)),
      node.verify(publicKey, 'a.b', new Uint8Array(3)).then((answer) => order.push(`verify ${answer}`)),
      node.sign(privateKey, 'c.d').then(() => order.push('sign')),
    ])
    expect(order).toEqual(['verify true', 'verify false', 'sign', 'sign'])
  })
})
