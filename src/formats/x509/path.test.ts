import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CertificateOptions,
  commonName,
  nameOf,
  now,
  oids,
  type TestAuthority,
  type TestCertificate,
  testAuthority,
  testCertificate,
  testKey,
} from '../../../test/world/certificates.ts'
import { boolean, nothing, oid, printable, sequence, utf8 } from '../../../test/world/der.ts'
import type { CertificateSignatures } from '../../ports/certificate-signatures.ts'
import { createNodeCertificateSignatures } from '../../runtimes/node/certificate-signatures.ts'
import { parseCertificate } from './certificate.ts'
import { type PathRequest, type ValidPath, validatePath } from './path.ts'

const signatures = createNodeCertificateSignatures()

const root = testAuthority('root')
const middle = root.subordinate('middle')
const key = testKey()
const good = middle.issue({ key })

type Settings = Partial<Pick<PathRequest, 'at' | 'maxIntermediates' | 'extendedKeyUsage'>>

/** Validates `leaf` by way of `others` up to `anchors`. */
const validate = (
  leaf: TestCertificate,
  others: readonly TestCertificate[] = [middle],
  anchors: readonly TestCertificate[] = [root],
  settings: Settings = {},
): Promise<ValidPath> =>
  validatePath(
    {
      leaf: parseCertificate(leaf.der),
      intermediates: others.map(({ der }) => parseCertificate(der)),
      anchors: anchors.map(({ der }) => parseCertificate(der)),
      at: now(),
      extendedKeyUsage: 'clientAuth',
      ...settings,
    },
    signatures,
  )

/** `ok`, or the fault. */
const outcome = (...args: Parameters<typeof validate>): Promise<string> =>
  validate(...args).then(
    () => 'ok',
    (error: { readonly fault: string }) => error.fault,
  )

const length = async (...args: Parameters<typeof validate>) => (await validate(...args)).certificates.length

describe('a path', () => {
  it('leads from the leaf to the anchor and is good as long as all of it', async () => {
    const soon = root.subordinate('soon', { days: 1 })
    const path = await validate(soon.issue({ key, days: 2 }), [middle, soon])
    expect(path.certificates).toHaveLength(3)
    expect(path.validUntil).toBe(path.certificates[1]?.notAfter)
    expect(path.policies).toEqual([])
  })

  it('needs no intermediate, and no order', async () => {
    expect(await length(root.issue({ key }), [])).toBe(2)
    const third = middle.subordinate('third')
    expect(await length(third.issue({ key }), [third, testAuthority('stranger'), middle])).toBe(4)
  })

  it('ends at the first anchor, which need not be self-signed', async () => {
    expect(await length(good, [root], [middle])).toBe(2)
    expect(await length(good, [], [root, middle])).toBe(2)
  })

  it.each(['P-384', 'P-521', 'Ed25519', 'RSA-2048'] as const)('may have keys of the kind %s', async (kind) => {
    const authority = testAuthority('other', { key: kind })
    expect(await outcome(authority.issue({ key }), [], [authority])).toBe('ok')
  })

  it('compares names without case, spaces and string type', async () => {
    const subject = nameOf(['2.5.4.10', printable('Example  Corp')], ['2.5.4.3', utf8(' ROOT ca')])
    const other = nameOf(['2.5.4.10', utf8('example CORP')], ['2.5.4.3', printable('root CA')])
    const authority = testAuthority('x', { subject })
    const leaf = authority.issue({ key, wrong: { issuer: other } })
    expect(await outcome(leaf, [], [authority])).toBe('ok')
    const foreign = authority.issue({
      key,
      wrong: { issuer: nameOf(['2.5.4.10', 'example CORP'], ['2.5.4.3', 'root']) },
    })
    expect(await outcome(foreign, [], [authority])).toBe('untrusted')
  })

  it('tries every certificate of a name', async () => {
    const shared = { key: testKey() }
    const genuine = root.subordinate('twice', shared)
    const strangers = Array.from({ length: 5 }, () => testAuthority('stranger').subordinate('twice'))
    const stale = root.subordinate('twice', { ...shared, notBefore: 1_000_000_000, notAfter: 1_000_000_001 })
    const leaf = genuine.issue({ key })
    expect(await outcome(leaf, [stale, ...strangers, genuine])).toBe('ok')
    expect(await outcome(leaf, [stale, ...strangers])).toBe('expired')
  })

  it('goes back from a way that violates constraints', async () => {
    const shared = { key: testKey() }
    const strict = root.subordinate('strict', { pathLen: 0 })
    const [viaStrict, direct] = [strict.subordinate('below', shared), root.subordinate('below', shared)]
    const leaf = direct.issue({ key })
    expect(await outcome(leaf, [strict, viaStrict])).toBe('constraint')
    expect(await outcome(leaf, [strict, viaStrict, direct])).toBe('ok')
  })

  it('checks a signature once for the same objects', async () => {
    let verified = 0
    const counting: CertificateSignatures = {
      verify: (...args) => {
        verified++
        return signatures.verify(...args)
      },
    }
    const [leaf, intermediate, anchor] = [good, middle, root].map(({ der }) => parseCertificate(der))
    if (leaf === undefined || intermediate === undefined || anchor === undefined) throw new Error('no certificates')
    const request = { leaf, intermediates: [intermediate], anchors: [anchor], at: now() }
    await validatePath(request, counting)
    await validatePath(request, counting)
    expect(verified).toBe(2)
    await validatePath({ ...request, leaf: parseCertificate(good.der) }, counting)
    expect(verified).toBe(3)
  })

  it('names its fault in words', async () => {
    await expect(validate(good, [])).rejects.toThrow('no path leads to a trust anchor')
    await expect(validate(middle)).rejects.toThrow('the leaf is an authority')
  })
})

describe('validity', () => {
  const bounded = middle.issue({ key, notBefore: 1_900_000_000, notAfter: 1_900_000_100 })
  const early = testAuthority('early', { notBefore: 1_900_000_000, notAfter: 1_900_000_050 })
  const long = { notBefore: 1_800_000_000, notAfter: 2_000_000_000 }
  const elder = testAuthority('elder', long)
  const between = elder.subordinate('between', long)
  const leaf = between.issue({ key, notBefore: 1_900_000_000, notAfter: 1_900_000_100 })
  const at = (instant: number) => outcome(leaf, [between], [elder], { at: instant })

  it('includes both ends, the last second to its end', async () => {
    expect(await at(1_900_000_000)).toBe('ok')
    expect(await at(1_900_000_100)).toBe('ok')
    expect(await at(1_900_000_100.999)).toBe('ok')
    expect(await at(1_899_999_999)).toBe('not_yet_valid')
    expect(await at(1_899_999_999.999)).toBe('not_yet_valid')
    expect(await at(1_900_000_101)).toBe('expired')
    expect(await at(Number.NaN)).toBe('not_yet_valid')
  })

  it('is asked of intermediates and anchors too', async () => {
    const late = { at: 1_900_000_060 }
    expect(await outcome(early.issue({ key, ...long }), [], [early], late)).toBe('expired')
    const stale = elder.subordinate('stale', { notBefore: 1_900_000_000, notAfter: 1_900_000_050 })
    expect(await outcome(stale.issue({ key, ...long }), [stale], [elder], late)).toBe('expired')
    expect(await outcome(bounded)).toBe('not_yet_valid')
  })
})

/** Each with its exact fault. */
type Hostile = readonly (readonly [what: string, judge: () => Promise<string>, fault: string])[]

const extended = (options: CertificateOptions) => middle.issue({ key, ...options })
const below = (authority: TestAuthority) => outcome(authority.issue({ key }), [authority])
const anchored = (authority: TestAuthority) => outcome(authority.issue({ key }), [], [authority])
const unknown = { oid: '1.3.6.1.4.1.55738.666.1', critical: true, value: nothing() }
const qualified = (critical: boolean) => ({
  oid: oids.certificatePolicies,
  critical,
  value: sequence(sequence(oid('1.2.3'), sequence(sequence(oid('1.2.4'), nothing())))),
})
const withoutConstraints = { without: [oids.basicConstraints] }
const notAuthority = { ca: false, keyUsage: ['digitalSignature', 'keyCertSign'] } as const

const hostile: Hostile = [
  ['without a way to an anchor', () => outcome(good, []), 'untrusted'],
  ['to an anchor of another key', () => outcome(root.issue({ key }), [], [testAuthority('root')]), 'untrusted'],
  ['without anchors', () => outcome(good, [middle], []), 'untrusted'],
  ['of a self-signed leaf', () => outcome(testCertificate({ subject: 'self' })), 'untrusted'],
  [
    'of a leaf that is an anchor itself',
    () => {
      const self = testCertificate({ subject: 'self' })
      return outcome(self, [], [self])
    },
    'untrusted',
  ],
  [
    'whose signature is of another key',
    () => outcome(middle.issue({ key, wrong: { signWith: testKey() } })),
    'untrusted',
  ],
  [
    'whose signature is spoilt',
    () =>
      outcome(
        middle.issue({
          key,
          wrong: { signature: (octets) => octets.map((octet, at) => (at === 9 ? octet ^ 1 : octet)) },
        }),
      ),
    'untrusted',
  ],
  [
    'whose signature says to be by another algorithm',
    () => outcome(middle.issue({ key, wrong: { innerAlgorithm: sequence(oid('1.3.101.112')) } })),
    'algorithm',
  ],
  [
    'signed with SHA-1',
    () => outcome(middle.issue({ key, wrong: { innerAlgorithm: sequence(oid('1.2.840.10045.4.1')) } })),
    'algorithm',
  ],
  ['of an authority as a client', () => outcome(middle), 'usage'],
  [
    'of a leaf that may sign certificates',
    () => outcome(extended({ keyUsage: ['digitalSignature', 'keyCertSign'] })),
    'usage',
  ],
  ['of a leaf for servers', () => outcome(extended({ eku: ['serverAuth'] })), 'usage'],
  ['of a leaf for something else', () => outcome(extended({ eku: ['1.3.6.1.5.5.7.3.3'] })), 'usage'],
  ['of a leaf that cannot sign', () => outcome(extended({ keyUsage: ['keyEncipherment'] })), 'usage'],
  [
    'of a leaf with name constraints',
    () =>
      outcome(extended({ extensions: [{ oid: oids.nameConstraints, value: sequence(dnsSubtrees('example.org')) }] })),
    'malformed',
  ],
  ['of a leaf that names no signer', () => outcome(extended({ without: [oids.authorityKeyIdentifier] })), 'malformed'],
  ['of a leaf with the serial number 0', () => outcome(extended({ serial: 0n })), 'malformed'],
  ['of a leaf with a negative serial number', () => outcome(extended({ serial: -1n })), 'malformed'],
  ['of a leaf with an unknown critical extension', () => outcome(extended({ extensions: [unknown] })), 'extension'],
  [
    'of a leaf with a qualifier that is not understood',
    () => outcome(extended({ extensions: [qualified(true)] })),
    'extension',
  ],
  ['of a leaf with a curve that is not used', () => outcome(middle.issue({ key: 'secp256k1' })), 'algorithm'],
  ['of a leaf with a weak key', () => outcome(middle.issue({ key: 'RSA-1024' })), 'algorithm'],
  ['by way of a leaf', () => below(root.subordinate('leaf', notAuthority)), 'usage'],
  [
    'by way of an authority without basic constraints',
    () => below(root.subordinate('bare', withoutConstraints)),
    'usage',
  ],
  [
    'by way of an authority that may not sign',
    () => below(root.subordinate('mute', { keyUsage: ['cRLSign'] })),
    'usage',
  ],
  ['by way of an authority for servers', () => below(root.subordinate('servers', { eku: ['serverAuth'] })), 'usage'],
  [
    'by way of an unknown critical extension',
    () => below(root.subordinate('odd', { extensions: [unknown] })),
    'extension',
  ],
  ['by way of a weak key', () => below(root.subordinate('weak', { key: 'RSA-1024' })), 'algorithm'],
  ['by way of a serial number of 0', () => below(root.subordinate('zero', { serial: 0n })), 'malformed'],
  ['to an anchor without basic constraints', () => anchored(testAuthority('bare', withoutConstraints)), 'usage'],
  [
    'to an anchor whose basic constraints are not critical',
    () =>
      anchored(testAuthority('lax', { extensions: [{ oid: oids.basicConstraints, value: sequence(boolean(true)) }] })),
    'malformed',
  ],
  ['to an anchor that may not sign', () => anchored(testAuthority('mute', { keyUsage: ['cRLSign'] })), 'usage'],
  ['to an anchor for servers', () => anchored(testAuthority('servers', { eku: ['serverAuth'] })), 'usage'],
  [
    'to an anchor with an unknown critical extension',
    () => anchored(testAuthority('odd', { extensions: [unknown] })),
    'extension',
  ],
  ['to an anchor with a weak key', () => anchored(testAuthority('weak', { key: 'RSA-1024' })), 'algorithm'],
  [
    'with more intermediates than allowed',
    () => outcome(good, [middle], [root], { maxIntermediates: 0 }),
    'constraint',
  ],
  [
    'longer than an authority allows',
    () => {
      const short = root.subordinate('short', { pathLen: 0 })
      const beneath = short.subordinate('beneath')
      return outcome(beneath.issue({ key }), [short, beneath])
    },
    'constraint',
  ],
  [
    'longer than the anchor allows',
    () => {
      const short = testAuthority('short', { pathLen: 0 })
      const beneath = short.subordinate('beneath')
      return outcome(beneath.issue({ key }), [beneath], [short])
    },
    'constraint',
  ],
  [
    'longer than an authority allows, by a path length that grows again',
    () => {
      const short = root.subordinate('short', { pathLen: 1 })
      const wide = short.subordinate('wide', { pathLen: 5 })
      const beneath = wide.subordinate('beneath')
      return outcome(beneath.issue({ key }), [short, wide, beneath])
    },
    'constraint',
  ],
  [
    'in a circle',
    () => {
      const [one, other] = [testKey(), testKey()]
      const [subjectOne, subjectOther] = [commonName('one'), commonName('other')]
      const authority = { ca: true, days: 1 }
      const first = testCertificate(
        { ...authority, subject: subjectOne, key: one },
        { subject: subjectOther, key: other },
      )
      const second = testCertificate(
        { ...authority, subject: subjectOther, key: other },
        { subject: subjectOne, key: one },
      )
      return outcome(testCertificate({ key }, first), [first, second])
    },
    'untrusted',
  ],
]

const dnsSubtrees = (host: string) =>
  // permittedSubtrees [0] of one dNSName.
  Buffer.concat([Uint8Array.of(0xa0, host.length + 4, 0x30, host.length + 2, 0x82, host.length), Buffer.from(host)])

describe('no path', () => {
  it.each(hostile)('is one %s', async (_what, judge, fault) => {
    expect(await judge()).toBe(fault)
  })
})

describe('what is allowed', () => {
  it('are self-issued certificates that path lengths do not count', async () => {
    const short = root.subordinate('short', { pathLen: 0 })
    const renewed = short.subordinate('short')
    expect(await outcome(renewed.issue({ key }), [short, renewed])).toBe('ok')
    expect(await outcome(renewed.issue({ key }), [short, renewed], [root], { maxIntermediates: 1 })).toBe('ok')
  })

  it('are leaves without key usage, without purposes, or for any', async () => {
    expect(await outcome(extended({ keyUsage: null }))).toBe('ok')
    expect(await outcome(extended({ eku: null, keyUsage: ['keyEncipherment'] }))).toBe('ok')
    expect(await outcome(extended({ eku: ['any'] }))).toBe('ok')
    expect(await outcome(extended({ extensions: [qualified(false)] }))).toBe('ok')
    expect(await outcome(extended({ keyUsage: ['keyAgreement'] }))).toBe('ok')
    expect(await outcome(extended({ without: [oids.basicConstraints] }))).toBe('ok')
  })

  it('are all purposes where none is asked for', async () => {
    const request = { intermediates: [parseCertificate(middle.der)], anchors: [parseCertificate(root.der)], at: now() }
    const leaf = parseCertificate(extended({ eku: ['serverAuth'] }).der)
    expect((await validatePath({ ...request, leaf }, signatures)).certificates).toHaveLength(3)
    expect(await outcome(extended({ eku: ['serverAuth'] }), [middle], [root], { extendedKeyUsage: 'serverAuth' })).toBe(
      'ok',
    )
  })

  it('are old anchors with the serial number 0 and without an authority key identifier', async () => {
    const old = testAuthority('old', { serial: 0n, without: [oids.authorityKeyIdentifier] })
    expect(await anchored(old)).toBe('ok')
  })

  it('are authorities without key identifiers, which prove nothing', async () => {
    const without = [oids.subjectKeyIdentifier, oids.authorityKeyIdentifier]
    expect(await below(root.subordinate('nameless', { without }))).toBe('ok')
    expect(await anchored(testAuthority('nameless', { without }))).toBe('ok')
  })

  it('are strangers beside the path, whatever is wrong with them', async () => {
    const odd = root.subordinate('odd', { extensions: [unknown] })
    expect(await outcome(good, [odd, middle], [root, testAuthority('odd root', { extensions: [unknown] })])).toBe('ok')
  })
})

describe('the work', () => {
  it('ends when too many signatures would have to be verified', async () => {
    const strangers = Array.from({ length: 110 }, (_, at) =>
      testAuthority('many', { key, serial: BigInt(at + 1), subject: commonName('many') }),
    )
    const leaf = testAuthority('many').issue({ key })
    expect(await outcome(leaf, strangers)).toBe('too_complex')
  })

  it('ends sooner where each signature takes longer', async () => {
    const slow = testKey('P-521')
    const strangers = Array.from({ length: 12 }, (_, at) =>
      testAuthority('slow', { key: slow, serial: BigInt(at + 1), subject: commonName('slow') }),
    )
    expect(await outcome(testAuthority('slow', { key: slow }).issue({ key }), strangers)).toBe('too_complex')
  })

  it('ends when certificates are signed crosswise', async () => {
    const keys = Array.from({ length: 12 }, () => testKey())
    const mesh = keys.flatMap((issuerKey, from) =>
      keys.flatMap((subjectKey, to) =>
        from === to
          ? []
          : [
              testCertificate(
                { subject: `node ${to}`, ca: true, key: subjectKey },
                { subject: commonName(`node ${from}`), key: issuerKey },
              ),
            ],
      ),
    )
    const [first] = keys
    if (first === undefined) throw new Error('no keys')
    const leaf = testCertificate({ key }, { subject: commonName('node 0'), key: first })
    const startedAt = performance.now()
    expect(await outcome(leaf, mesh)).toBe('too_complex')
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })

  it('is not begun for too many certificates', async () => {
    const [leaf, other] = [parseCertificate(good.der), parseCertificate(middle.der)]
    const request = { leaf, intermediates: Array.from({ length: 257 }, () => other), anchors: [], at: now() }
    await expect(validatePath(request, signatures)).rejects.toMatchObject({ fault: 'too_complex' })
  })
})

describe('any path', () => {
  it('ends with a fault when a byte of its leaf or intermediate is changed', async () => {
    const request = { anchors: [parseCertificate(root.der)], at: now(), extendedKeyUsage: 'clientAuth' as const }
    const judge = async (leafDer: Uint8Array, otherDer: Uint8Array): Promise<string> => {
      try {
        const [leaf, other] = [parseCertificate(leafDer), parseCertificate(otherDer)]
        await validatePath({ ...request, leaf, intermediates: [other] }, signatures)
        return 'ok'
      } catch (thrown) {
        return thrown instanceof Error ? thrown.name : 'unknown'
      }
    }
    const flip = (der: Uint8Array) =>
      fc
        .tuple(fc.nat({ max: der.length - 1 }), fc.integer({ min: 1, max: 255 }))
        .map(([index, bits]) => Uint8Array.from(der).map((octet, at) => (at === index ? octet ^ bits : octet)))
    expect(await judge(good.der, middle.der)).toBe('ok')
    await fc.assert(
      fc.asyncProperty(flip(good.der), flip(middle.der), async (leaf, other) => {
        expect(await judge(leaf, middle.der)).toMatch(/^(FormatError|PathError)$/)
        expect(await judge(good.der, other)).toMatch(/^(FormatError|PathError)$/)
      }),
      { numRuns: 300 },
    )
  })
})
