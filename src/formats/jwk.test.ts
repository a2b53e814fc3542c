import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Claims, Json } from '../domain/claims.ts'
import { type JwsAlgorithm, jwsAlgorithms, type Signatures, type VerificationKey } from '../ports/signatures.ts'
import { createNodeSignatures } from '../runtimes/node/signatures.ts'
import { encodeBase64url } from './base64url.ts'
import { usableKeys } from './jwk.ts'

const signatures = createNodeSignatures()

/** Accepts whatever is asked, so that what is refused was refused before the platform saw it. */
const credulous: Pick<Signatures, 'supported' | 'importPublicKey'> = {
  supported: new Set(jwsAlgorithms),
  importPublicKey: async (_, algorithm) => ({ algorithm }) as VerificationKey,
}

const algorithmsOf = async (jwk: Claims, allowed: readonly JwsAlgorithm[] = jwsAlgorithms, by = credulous) =>
  (await usableKeys({ keys: [jwk] }, allowed, by)).map(({ key }) => key.algorithm)

const publicPart = ({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, alg: _alg, ...jwk }: Claims): Claims => jwk

/** The public half of a new key. */
const jwkOf = async (algorithm: JwsAlgorithm): Promise<Claims> => publicPart(await signatures.generate(algorithm))

let rsa: Claims
let p256: Claims
let p384: Claims
let p521: Claims
let ed25519: Claims
beforeAll(async () => {
  rsa = await jwkOf('RS256')
  p256 = await jwkOf('ES256')
  p384 = await jwkOf('ES384')
  p521 = await jwkOf('ES512')
  ed25519 = await jwkOf('EdDSA')
})

const asText = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const parse = (text: string): Json => JSON.parse(text)
const textOf = (jwk: Claims, member: string): string => asText(jwk[member])
const bytesOf = (jwk: Claims, member: string) => Buffer.from(textOf(jwk, member), 'base64url')

describe('the algorithms of a key', () => {
  it('follow from the curve', async () => {
    expect(await algorithmsOf(p256)).toEqual(['ES256'])
    expect(await algorithmsOf(p384)).toEqual(['ES384'])
    expect(await algorithmsOf(p521)).toEqual(['ES512'])
    expect(await algorithmsOf(ed25519)).toEqual(['EdDSA', 'Ed25519'])
  })

  it('are every RSA algorithm allowed when the key names none', async () => {
    const all = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
    expect(await algorithmsOf(rsa)).toEqual(all)
    expect(await algorithmsOf(rsa, ['ES256', 'PS256', 'RS512'])).toEqual(['PS256', 'RS512'])
  })

  it('are the one that the key names', async () => {
    expect(await algorithmsOf({ ...rsa, alg: 'PS384' })).toEqual(['PS384'])
    expect(await algorithmsOf({ ...rsa, alg: 'PS384' }, ['RS256'])).toEqual([])
    expect(await algorithmsOf({ ...p256, alg: 'ES256' })).toEqual(['ES256'])
    for (const alg of ['ES384', 'RS256', 'HS256', 'none', 'es256', 'ES256 ', '', null, 1, ['ES256']])
      expect(await algorithmsOf({ ...p256, alg })).toEqual([])
    for (const alg of ['RSA-OAEP', 'RSA1_5', 'RS1', 'HS256', 'ES256'])
      expect(await algorithmsOf({ ...rsa, alg })).toEqual([])
  })

  it('are both names of Ed25519, whichever the key uses', async () => {
    for (const alg of ['EdDSA', 'Ed25519']) {
      expect(await algorithmsOf({ ...ed25519, alg })).toEqual(['EdDSA', 'Ed25519'])
      expect(await algorithmsOf({ ...ed25519, alg }, ['Ed25519'])).toEqual(['Ed25519'])
      expect(await algorithmsOf({ ...ed25519, alg }, ['EdDSA'])).toEqual(['EdDSA'])
    }
    expect(await algorithmsOf({ ...ed25519, alg: 'Ed448' })).toEqual([])
  })

  it('must be named by ML-DSA keys', async () => {
    const sizes = { 'ML-DSA-44': 1_312, 'ML-DSA-65': 1_952, 'ML-DSA-87': 2_592 }
    for (const [alg, size] of Object.entries(sizes)) {
      const pub = encodeBase64url(new Uint8Array(size).fill(7))
      expect(await algorithmsOf({ kty: 'AKP', alg, pub })).toEqual([alg])
      expect(await algorithmsOf({ kty: 'AKP', pub })).toEqual([])
      expect(await algorithmsOf({ kty: 'AKP', alg, pub: pub.slice(4) })).toEqual([])
    }
  })

  it('are those that the runtime can do', async () => {
    const some = { ...credulous, supported: new Set<JwsAlgorithm>(['RS256']) }
    expect(await algorithmsOf(rsa, jwsAlgorithms, some)).toEqual(['RS256'])
    expect(await algorithmsOf(p256, jwsAlgorithms, some)).toEqual([])
  })
})

describe('keys that are skipped', () => {
  it('are for something else', async () => {
    for (const use of ['enc', 'SIG', '', null, 1]) expect(await algorithmsOf({ ...p256, use })).toEqual([])
    for (const operations of [[], ['sign'], ['encrypt', 'wrapKey'], 'verify', null, { verify: true }])
      expect(await algorithmsOf({ ...p256, key_ops: operations })).toEqual([])
    expect(await algorithmsOf({ ...p256, use: 'sig', key_ops: ['verify'] })).toEqual(['ES256'])
  })

  it('are symmetric or of a kind that nobody knows', async () => {
    for (const kty of ['oct', 'ec', 'RSA ', '', 'constructor', '__proto__', null, 1, ['EC']])
      expect(await algorithmsOf({ ...p256, kty })).toEqual([])
    expect(await algorithmsOf({ kty: 'oct', k: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8', alg: 'HS256' })).toEqual(
      [],
    )
    for (const crv of ['P-521', 'secp256k1', 'p-256', 'P-256 ', '', null, undefined])
      expect(await algorithmsOf({ ...p256, crv: crv ?? 0 })).toEqual([])
    expect(await algorithmsOf({ ...ed25519, crv: 'X25519' })).toEqual([])
  })

  it('show their private part', async () => {
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi'])
      expect(await algorithmsOf({ ...rsa, [member]: 'AQAB' })).toEqual([])
    expect(await algorithmsOf({ ...p256, d: textOf(p256, 'x') })).toEqual([])
    expect(await algorithmsOf({ ...ed25519, d: '' })).toEqual([])
    const pub = encodeBase64url(new Uint8Array(1_312))
    expect(await algorithmsOf({ kty: 'AKP', alg: 'ML-DSA-44', pub, priv: 'AA' })).toEqual([])
  })

  it('have a kid that is no text', async () => {
    for (const kid of [1, null, ['a'], {}]) expect(await algorithmsOf({ ...p256, kid })).toEqual([])
  })

  it('are no objects', async () => {
    for (const keys of [undefined, null, {}, 'keys', 1])
      expect(await usableKeys({ keys: keys ?? null }, jwsAlgorithms, credulous)).toEqual([])
    expect(await usableKeys({}, jwsAlgorithms, credulous)).toEqual([])
    const found = await usableKeys({ keys: [null, 1, 'key', [p256], p256] }, jwsAlgorithms, credulous)
    expect(found).toHaveLength(1)
  })

  it('stand behind the first hundred', async () => {
    const others = Array.from({ length: 100 }, () => ({ kty: 'oct' }))
    expect(await usableKeys({ keys: [...others, p256] }, jwsAlgorithms, credulous)).toEqual([])
    expect(await usableKeys({ keys: [...others.slice(1), p256] }, jwsAlgorithms, credulous)).toHaveLength(1)
  })
})

describe('elliptic keys', () => {
  it('have coordinates of the exact length in canonical base64url', async () => {
    const x = textOf(p256, 'x')
    const last = x.slice(-1)
    const unusedBits = String.fromCharCode(last.charCodeAt(0) + 1)
    for (const wrong of [
      `${x}A`,
      x.slice(1),
      `AA${x}`,
      `${x}=`,
      ` ${x}`,
      x.slice(0, -1) + unusedBits,
      x.replace(/.$/, '+'),
      '',
      1,
      null,
    ])
      expect(await algorithmsOf({ ...p256, x: wrong })).toEqual([])
    const { y: _, ...without } = p256
    expect(await algorithmsOf(without)).toEqual([])
    const { x: short } = { x: encodeBase64url(bytesOf(p384, 'x').subarray(1)) }
    expect(await algorithmsOf({ ...p384, x: short })).toEqual([])
  })

  it('are points of their curve', async () => {
    expect(await algorithmsOf(p256, ['ES256'], signatures)).toEqual(['ES256'])
    expect(await algorithmsOf({ ...p256, y: textOf(p256, 'x') }, ['ES256'], signatures)).toEqual([])
    expect(
      await algorithmsOf(
        { ...p256, x: encodeBase64url(new Uint8Array(32)), y: encodeBase64url(new Uint8Array(32)) },
        ['ES256'],
        signatures,
      ),
    ).toEqual([])
  })
})

const bigEndian = (number: bigint) => Buffer.from(number.toString(16), 'hex')
const withModulus = (n: Uint8Array): Claims => ({ ...rsa, n: encodeBase64url(n) })

const ofBits = (bits: number, low = 1): Claims => {
  const n = new Uint8Array(Math.ceil(bits / 8)).fill(0x55)
  n[0] = 1 << ((bits - 1) % 8)
  n[n.length - 1] = low
  return withModulus(n)
}

describe('RSA keys', () => {
  it('have 2048 to 8192 bits', async () => {
    expect(await algorithmsOf(ofBits(2_047), ['RS256'])).toEqual([])
    expect(await algorithmsOf(ofBits(2_048), ['RS256'])).toEqual(['RS256'])
    expect(await algorithmsOf(ofBits(2_049), ['RS256'])).toEqual(['RS256'])
    expect(await algorithmsOf(ofBits(8_192), ['RS256'])).toEqual(['RS256'])
    expect(await algorithmsOf(ofBits(8_193), ['RS256'])).toEqual([])
    expect(await algorithmsOf(ofBits(1_024), ['RS256'])).toEqual([])
  })

  it('have an odd modulus without a leading zero', async () => {
    expect(await algorithmsOf(ofBits(2_048, 2), ['RS256'])).toEqual([])
    expect(await algorithmsOf(withModulus(Buffer.concat([Buffer.from([0]), bytesOf(rsa, 'n')])), ['RS256'])).toEqual([])
    expect(await algorithmsOf({ ...rsa, n: `${textOf(rsa, 'n')}=` }, ['RS256'])).toEqual([])
    expect(await algorithmsOf({ ...rsa, n: '' }, ['RS256'])).toEqual([])
  })

  it('have an odd exponent of at least 65537', async () => {
    const withExponent = (...bytes: readonly number[]) => ({ ...rsa, e: encodeBase64url(Uint8Array.from(bytes)) })
    expect(await algorithmsOf(withExponent(1, 0, 1), ['RS256'])).toEqual(['RS256'])
    expect(await algorithmsOf(withExponent(1, 0, 3), ['RS256'])).toEqual(['RS256'])
    const refused = [[], [0], [1], [2], [3], [17], [255, 255], [1, 0, 0], [1, 0, 2], [0, 1, 0, 1], [1, 0, 0, 0, 1]]
    for (const bytes of refused) expect(await algorithmsOf(withExponent(...bytes), ['RS256'])).toEqual([])
    expect(await algorithmsOf({ ...rsa, e: 65_537 }, ['RS256'])).toEqual([])
  })

  it('are not of the faulty generator', async () => {
    const primes = [
      3n,
      5n,
      7n,
      11n,
      13n,
      17n,
      19n,
      23n,
      29n,
      31n,
      37n,
      41n,
      43n,
      47n,
      53n,
      59n,
      61n,
      67n,
      71n,
      73n,
      79n,
      83n,
      89n,
      97n,
      101n,
      103n,
      107n,
      109n,
      113n,
      127n,
      131n,
      137n,
      139n,
      149n,
      151n,
      157n,
      163n,
      167n,
    ]
    const product = primes.reduce((all, prime) => all * prime, 1n)
    let residue = 1n
    for (let power = 0; power < 1_000; power++) residue = (residue * 65_537n) % product
    const start = (1n << 2_047n) / product + 1n
    const multiple = (start * product + residue) % 2n === 1n ? start : start + 1n
    const faulty = multiple * product + residue
    expect(await algorithmsOf(withModulus(bigEndian(faulty)), ['RS256'])).toEqual([])
    expect(await algorithmsOf(withModulus(bigEndian(faulty + 2n)), ['RS256'])).toEqual(['RS256'])
  })
})

/** RFC 8032 section 5.1.2: y in little-endian order, the sign of x in the last bit. */
const encodePoint = (y: bigint, sign: number): Claims => {
  const bytes = Uint8Array.from(Buffer.from(y.toString(16).padStart(64, '0'), 'hex')).toReversed()
  bytes[31] = (bytes[31] ?? 0) | (sign << 7)
  return { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(bytes) }
}

describe('Ed25519 keys', () => {
  const prime = 2n ** 255n - 19n
  const mod = (number: bigint) => ((number % prime) + prime) % prime
  const pow = (base: bigint, exponent: bigint): bigint => {
    let result = 1n
    for (let [square, rest] = [mod(base), exponent]; rest > 0n; square = mod(square * square), rest >>= 1n)
      if (rest & 1n) result = mod(result * square)
    return result
  }
  const inverse = (number: bigint) => pow(number, prime - 2n)
  const d = mod(-121_665n * inverse(121_666n))
  type Point = readonly [x: bigint, y: bigint]
  const add = ([x1, y1]: Point, [x2, y2]: Point): Point => {
    const k = mod(d * x1 * x2 * y1 * y2)
    return [mod((x1 * y2 + x2 * y1) * inverse(1n + k)), mod((y1 * y2 + x1 * x2) * inverse(1n - k))]
  }
  const times = (scalar: bigint, point: Point): Point => {
    let sum: Point = [0n, 1n]
    for (let [doubled, rest] = [point, scalar]; rest > 0n; doubled = add(doubled, doubled), rest >>= 1n)
      if (rest & 1n) sum = add(sum, doubled)
    return sum
  }
  const pointAt = (y: bigint): Point | undefined => {
    const square = mod((y * y - 1n) * inverse(d * y * y + 1n))
    const root = pow(square, (prime + 3n) / 8n)
    return [root, mod(root * pow(2n, (prime - 1n) / 4n))]
      .filter((x) => mod(x * x - square) === 0n)
      .map((x): Point => [x, y])[0]
  }
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  it('are not of small order, however they are spelt', async () => {
    const small = new Set<bigint>()
    for (let y = 2n; small.size < 5; y++) {
      const point = pointAt(y)
      if (point === undefined) continue
      const torsion = times(order, point)
      for (let factor = 0n; factor < 8n; factor++) small.add(times(factor, torsion)[1])
    }
    expect(small.size).toBe(5)
    const spellings = [...small, prime, prime + 1n].flatMap((y) => [encodePoint(y, 0), encodePoint(y, 1)])
    for (const jwk of spellings) expect(await algorithmsOf(jwk)).toEqual([])
  })

  it('are any others', async () => {
    for (let count = 0; count < 20; count++)
      expect(await algorithmsOf(await jwkOf('EdDSA'), ['EdDSA'], signatures)).toEqual(['EdDSA'])
  })
})

describe('usableKeys', () => {
  it('keeps the kid, also where two keys share one', async () => {
    const found = await usableKeys(
      { keys: [{ ...p256, kid: 'a' }, { ...p384, kid: 'a' }, ed25519] },
      ['ES256', 'ES384', 'EdDSA'],
      credulous,
    )
    expect(found.map(({ kid, key }) => [kid, key.algorithm])).toEqual([
      ['a', 'ES256'],
      ['a', 'ES384'],
      [undefined, 'EdDSA'],
    ])
  })

  it('yields keys that verify what the private key has signed', async () => {
    for (const algorithm of ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const) {
      const privateJwk = await signatures.generate(algorithm)
      const signature = await signatures.sign(await signatures.importPrivateKey(privateJwk, algorithm), 'input')
      const [found] = await usableKeys({ keys: [publicPart(privateJwk)] }, [algorithm], signatures)
      if (found === undefined) throw new Error(`no key for ${algorithm}`)
      expect(await signatures.verify(found.key, 'input', signature)).toBe(true)
      expect(await signatures.verify(found.key, 'other', signature)).toBe(false)
    }
  })

  it('hands the platform the public members only', async () => {
    const seen: Claims[] = []
    const watching = {
      ...credulous,
      importPublicKey: (jwk: Claims, algorithm: JwsAlgorithm) => {
        seen.push(jwk)
        return credulous.importPublicKey(jwk, algorithm)
      },
    }
    await usableKeys({ keys: [{ ...p256, kid: 'a', use: 'sig', x5c: ['MIIB'], ext: true }] }, ['ES256'], watching)
    expect(seen).toEqual([{ kty: 'EC', crv: 'P-256', x: p256['x'], y: p256['y'] }])
  })

  it('never throws, whatever the set holds', async () => {
    const member = fc.oneof(
      fc.json().map(parse),
      fc.constantFrom('EC', 'RSA', 'OKP', 'AKP', 'P-256', 'Ed25519', 'AQAB'),
    )
    const names = ['kty', 'crv', 'alg', 'use', 'key_ops', 'kid', 'x', 'y', 'n', 'e', 'd', 'pub'] as const
    const jwk = fc.dictionary(fc.constantFrom(...names), member)
    await fc.assert(
      fc.asyncProperty(fc.array(jwk), async (keys) => {
        const found = await usableKeys({ keys }, jwsAlgorithms, signatures)
        expect(Array.isArray(found)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
