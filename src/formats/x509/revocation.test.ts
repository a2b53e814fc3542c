import { describe, expect, it } from 'vitest'
import {
  type CertificateOptions,
  type CrlOptions,
  commonName,
  generalNames,
  now,
  oids,
  type TestAuthority,
  type TestCertificate,
  type TestExtension,
  testAuthority,
  testCertificate,
  testKey,
} from '../../../test/world/certificates.ts'
import {
  bytes,
  type Der,
  explicit,
  flagOctets,
  implicit,
  integer,
  nothing,
  oid,
  sequence,
  tlv,
} from '../../../test/world/der.ts'
import { createNodeCertificateSignatures } from '../../runtimes/node/certificate-signatures.ts'
import { parseCertificate } from './certificate.ts'
import { parseCrl } from './crl.ts'
import { validatePath } from './path.ts'

const signatures = createNodeCertificateSignatures()
const key = testKey()
const root = testAuthority('root')

interface Case {
  readonly leaf: TestCertificate
  readonly crls: readonly Der[]
  readonly others?: readonly TestCertificate[]
  readonly anchor?: TestAuthority
  readonly at?: number
}

/** `ok`, or the fault. */
const outcome = ({ leaf, crls, others = [], anchor = root, at = now() }: Case): Promise<string> =>
  validatePath(
    {
      leaf: parseCertificate(leaf.der),
      intermediates: others.map(({ der }) => parseCertificate(der)),
      anchors: [parseCertificate(anchor.der)],
      at,
      crls: crls.map(parseCrl),
    },
    signatures,
  ).then(
    () => 'ok',
    (error: { readonly fault: string }) => error.fault,
  )

const place = (path: string) => generalNames.uri(`http://crl.example.org/${path}`)
const fullName = (...names: readonly Der[]) => explicit(0, explicit(0, ...names))

/** A CRL distribution point of a certificate. */
const point = (...fields: readonly Der[]): TestExtension => ({
  oid: oids.crlDistributionPoints,
  value: sequence(sequence(...fields)),
})
const scope = (...fields: readonly Der[]): TestExtension => ({
  oid: oids.issuingDistributionPoint,
  critical: true,
  value: sequence(...fields),
})
const flag = (number: number) => implicit(number, bytes(0xff))
const someReasons = (number: number, ...reasons: readonly number[]) => implicit(number, flagOctets(reasons))
const leafWith = (...extensions: readonly TestExtension[]) => root.issue({ key, extensions })
const leaf = leafWith()
const revoking = (certificate: TestCertificate, options: CrlOptions = {}, extensions: readonly TestExtension[] = []) =>
  root.crl({ revoked: [{ serial: certificate.serial, extensions }], ...options })

describe('the status of a certificate', () => {
  it('is good when its issuer says nothing else, revoked when it does, unknown when it is silent', async () => {
    expect(await outcome({ leaf, crls: [root.crl()] })).toBe('ok')
    expect(await outcome({ leaf, crls: [revoking(leaf)] })).toBe('revoked')
    expect(await outcome({ leaf, crls: [] })).toBe('status_unknown')
  })

  it('is asked of every certificate but the anchor', async () => {
    const middle = root.subordinate('middle')
    const below = middle.issue({ key })
    const others = [middle]
    expect(await outcome({ leaf: below, others, crls: [root.crl(), middle.crl()] })).toBe('ok')
    expect(await outcome({ leaf: below, others, crls: [middle.crl()] })).toBe('status_unknown')
    expect(await outcome({ leaf: below, others, crls: [root.crl()] })).toBe('status_unknown')
    expect(await outcome({ leaf: below, others, crls: [revoking(middle), middle.crl()] })).toBe('revoked')
  })

  it('is not taken from the entry of another serial number, sign and all', async () => {
    const other = root.issue({ key, serial: 0xffn })
    expect(await outcome({ leaf: other, crls: [root.crl({ revoked: [{ serial: -1n }] })] })).toBe('ok')
    expect(await outcome({ leaf: other, crls: [root.crl({ revoked: [{ serial: 255n }] })] })).toBe('revoked')
  })

  it('is revoked for every reason, also on hold', async () => {
    for (const reason of [0, 1, 6, 8, 10]) {
      const extensions = [{ oid: oids.reasonCode, value: tlv(0x0a, bytes(reason)) }]
      expect(await outcome({ leaf, crls: [revoking(leaf, {}, extensions)] })).toBe('revoked')
    }
  })

  it('is told by the newest list', async () => {
    const old = revoking(leaf, { thisUpdate: now() - 7_200 })
    expect(await outcome({ leaf, crls: [old, root.crl()] })).toBe('ok')
    expect(await outcome({ leaf, crls: [root.crl({ thisUpdate: now() - 7_200 }), revoking(leaf)] })).toBe('revoked')
  })
})

describe('a list does not count', () => {
  const unknown = { oid: '1.2.3.4', critical: true, value: nothing() }
  it.each([
    ['of another issuer', () => testAuthority('other').crl()],
    ['of another key', () => root.crl({ signWith: testKey() })],
    ['in the name of another', () => testAuthority('other').crl({ issuer: commonName('root') })],
    ['that is due', () => root.crl({ nextUpdate: now() - 1 })],
    ['that is from the future', () => root.crl({ thisUpdate: now() + 60 })],
    ['that is never due', () => root.crl({ nextUpdate: null })],
    ['without a number', () => root.crl({ number: null })],
    ['with an unknown critical extension', () => root.crl({ extensions: [unknown] })],
    [
      'with an unknown critical extension of an entry',
      () => root.crl({ revoked: [{ serial: 1n, extensions: [unknown] }] }),
    ],
    ['for attribute certificates', () => root.crl({ extensions: [scope(flag(5))] })],
    ['for authorities', () => root.crl({ extensions: [scope(flag(2))] })],
    ['for another place', () => root.crl({ extensions: [scope(fullName(place('1')))] })],
    ['for some reasons', () => root.crl({ extensions: [scope(someReasons(3, 1, 2))] })],
    [
      'that is only a delta',
      () => root.crl({ extensions: [{ oid: oids.deltaCrlIndicator, critical: true, value: integer(1) }] }),
    ],
    ['signed with an algorithm that is not used', () => root.crl({ algorithm: sequence(oid('1.2.840.10045.4.1')) })],
  ])('%s', async (_what, crl) => {
    expect(await outcome({ leaf, crls: [crl()] })).toBe('status_unknown')
  })

  it('whose signer may not sign lists', async () => {
    const mute = testAuthority('mute', { keyUsage: ['keyCertSign'] })
    const lax = testAuthority('lax', { keyUsage: null })
    expect(await outcome({ leaf: mute.issue({ key }), crls: [mute.crl()], anchor: mute })).toBe('status_unknown')
    expect(await outcome({ leaf: lax.issue({ key }), crls: [lax.crl()], anchor: lax })).toBe('ok')
  })
})

describe('a distribution point', () => {
  const pointed = leafWith(point(fullName(place('1'), place('2'))))

  it('is one of the names that both have', async () => {
    const list = (...names: readonly Der[]) => root.crl({ extensions: [scope(fullName(...names))] })
    expect(await outcome({ leaf: pointed, crls: [list(place('0'), place('2'))] })).toBe('ok')
    expect(await outcome({ leaf: pointed, crls: [list(place('3'))] })).toBe('status_unknown')
    expect(await outcome({ leaf: pointed, crls: [root.crl()] })).toBe('ok')
  })

  it('is named relative to the issuer, or in full', async () => {
    const step = sequence(oid('2.5.4.3'), tlv(0x0c, Buffer.from('crl 1')))
    const relative = explicit(0, explicit(1, step))
    const full = generalNames.directory(
      sequence(tlv(0x31, sequence(oid('2.5.4.3'), tlv(0x0c, Buffer.from('root')))), tlv(0x31, step)),
    )
    const listed = (name: Der) => root.crl({ extensions: [scope(name)] })
    for (const mine of [relative, fullName(full)])
      for (const theirs of [relative, fullName(full)])
        expect(await outcome({ leaf: leafWith(point(mine)), crls: [listed(theirs)] })).toBe('ok')
    expect(await outcome({ leaf: leafWith(point(relative)), crls: [listed(fullName(place('1')))] })).toBe(
      'status_unknown',
    )
  })

  it('covers reasons until all are covered', async () => {
    const some = root.crl({ extensions: [scope(someReasons(3, 1, 2, 3, 4))] })
    const rest = root.crl({ extensions: [scope(someReasons(3, 5, 6, 7, 8))] })
    expect(await outcome({ leaf, crls: [some, rest] })).toBe('ok')
    expect(await outcome({ leaf, crls: [rest] })).toBe('status_unknown')
    const hold = revoking(leaf, { extensions: [scope(someReasons(3, 5, 6, 7, 8))] })
    expect(await outcome({ leaf, crls: [some, hold] })).toBe('revoked')
  })

  it('limits lists to users or authorities', async () => {
    const middle = root.subordinate('middle')
    const users = root.crl({ extensions: [scope(flag(1))] })
    const authorities = root.crl({ extensions: [scope(flag(2))] })
    expect(await outcome({ leaf, crls: [users] })).toBe('ok')
    const below = { leaf: middle.issue({ key }), others: [middle] }
    expect(await outcome({ ...below, crls: [users, middle.crl()] })).toBe('status_unknown')
    expect(await outcome({ ...below, crls: [authorities, middle.crl()] })).toBe('ok')
  })
})

describe('a signer beside the issuer', () => {
  const signer: CertificateOptions = { ca: false, keyUsage: ['cRLSign'], eku: null }
  const separate = testCertificate({ ...signer, subject: 'root' }, root)
  const list = (revoked: readonly TestCertificate[] = []) =>
    root.crl({ signWith: separate.key, revoked: revoked.map(({ serial }) => ({ serial })) })

  it('has a certificate for its key, whose status must be known too', async () => {
    expect(await outcome({ leaf, others: [separate], crls: [list()] })).toBe('ok')
    expect(await outcome({ leaf, others: [], crls: [list()] })).toBe('status_unknown')
    expect(await outcome({ leaf, others: [separate], crls: [list([leaf])] })).toBe('revoked')
    expect(await outcome({ leaf, others: [separate], crls: [list([separate])] })).toBe('status_unknown')
  })

  it('is certified under the same anchor', async () => {
    const elsewhere = testAuthority('elsewhere')
    const foreign = testCertificate({ ...signer, subject: 'root' }, elsewhere)
    const crls = [root.crl({ signWith: foreign.key }), elsewhere.crl()]
    expect(await outcome({ leaf, others: [foreign, elsewhere], crls })).toBe('status_unknown')
  })

  const indirect = testCertificate({ ...signer, subject: 'crl signer' }, root)
  const indirectList = (revoked: CrlOptions['revoked'] = [], fields: readonly Der[] = [flag(4)]) =>
    root.crl({ issuer: indirect.subject, signWith: indirect.key, revoked, extensions: [scope(...fields)] })
  const pointed = leafWith(point(explicit(2, generalNames.directory(indirect.subject))))
  const issuedBy = (issuer: Der): readonly TestExtension[] => [
    { oid: oids.certificateIssuer, critical: true, value: sequence(generalNames.directory(issuer)) },
  ]
  const judge = (...lists: readonly Der[]) =>
    outcome({ leaf: pointed, others: [indirect], crls: [root.crl(), ...lists] })

  it('signs for others where they name it and the list says so', async () => {
    const point2 = leafWith(point(explicit(2, generalNames.directory(commonName('someone')))))
    expect(await judge(indirectList())).toBe('ok')
    expect(await outcome({ leaf: point2, others: [indirect], crls: [indirectList()] })).toBe('status_unknown')
    const direct = indirectList([], [flag(1)])
    expect(await outcome({ leaf: pointed, others: [indirect], crls: [direct] })).toBe('status_unknown')
  })

  it('names the issuer of each certificate, for itself and all that follow', async () => {
    const { serial } = pointed
    const only = (revoked: CrlOptions['revoked']) =>
      outcome({
        leaf: pointed,
        others: [indirect],
        crls: [indirectList(revoked), root.crl({ extensions: [scope(fullName(place('9')))] })],
      })
    const [ours, theirs] = [issuedBy(root.subject), issuedBy(commonName('someone'))]
    // The signer's own status is not known from these lists alone, so only revocation shows.
    expect(await judge(indirectList([{ serial, extensions: ours }]))).toBe('revoked')
    expect(await judge(indirectList([{ serial: 1n, extensions: ours }, { serial }]))).toBe('revoked')
    expect(await judge(indirectList([{ serial, extensions: theirs }]))).toBe('ok')
    expect(await judge(indirectList([{ serial: 1n, extensions: theirs }, { serial }]))).toBe('ok')
    expect(await judge(indirectList([{ serial }]))).toBe('ok')
    expect(await only([])).toBe('status_unknown')
  })

  it('speaks of itself where its issuer says so', async () => {
    const self = testCertificate(
      {
        ...signer,
        subject: 'own',
        extensions: [point(explicit(2, generalNames.directory(commonName('own'))))],
      },
      root,
    )
    const own = root.crl({ issuer: self.subject, signWith: self.key, extensions: [scope(flag(4))] })
    const named = leafWith(point(explicit(2, generalNames.directory(self.subject))))
    expect(await outcome({ leaf: named, others: [self], crls: [own] })).toBe('ok')
    const revoked = root.crl({
      issuer: self.subject,
      signWith: self.key,
      extensions: [scope(flag(4))],
      revoked: [{ serial: self.serial, extensions: issuedBy(root.subject) }],
    })
    expect(await outcome({ leaf: named, others: [self], crls: [revoked] })).toBe('status_unknown')
  })
})

describe('a delta', () => {
  const delta = (options: CrlOptions = {}, base = 1) =>
    root.crl({
      number: 5n,
      ...options,
      extensions: [
        { oid: oids.deltaCrlIndicator, critical: true, value: integer(base) },
        ...(options.extensions ?? []),
      ],
    })
  const removed = [{ oid: oids.reasonCode, value: tlv(0x0a, bytes(8)) }]
  const { serial } = leaf

  it('adds to its complete list, and takes from it', async () => {
    expect(await outcome({ leaf, crls: [root.crl(), delta()] })).toBe('ok')
    expect(await outcome({ leaf, crls: [root.crl(), delta({ revoked: [{ serial }] })] })).toBe('revoked')
    expect(await outcome({ leaf, crls: [revoking(leaf), delta()] })).toBe('revoked')
    expect(await outcome({ leaf, crls: [revoking(leaf), delta({ revoked: [{ serial, extensions: removed }] })] })).toBe(
      'ok',
    )
  })

  it.each([
    ['a later base', () => delta({ revoked: [{ serial }] }, 2)],
    ['an earlier number', () => delta({ revoked: [{ serial }], number: 1n })],
    ['another scope', () => delta({ revoked: [{ serial }], extensions: [scope(flag(1))] })],
    ['another key', () => delta({ revoked: [{ serial }], signWith: testKey() })],
    ['its time over', () => delta({ revoked: [{ serial }], nextUpdate: now() - 1 })],
  ])('does not count with %s', async (_what, crl) => {
    expect(await outcome({ leaf, crls: [root.crl(), crl()] })).toBe('ok')
  })

  it('keeps a list going whose time is over, if the certificate announces deltas', async () => {
    const stale = root.crl({ thisUpdate: now() - 7_200, nextUpdate: now() - 3_600 })
    expect(await outcome({ leaf, crls: [stale, delta()] })).toBe('status_unknown')
    const announced = leafWith({ oid: '2.5.29.46', value: sequence(sequence(fullName(place('delta')))) })
    expect(await outcome({ leaf: announced, crls: [stale, delta()] })).toBe('ok')
    expect(await outcome({ leaf: announced, crls: [stale] })).toBe('status_unknown')
  })
})

describe('the work', () => {
  it('is bounded by the number of lists', async () => {
    const crl = parseCrl(root.crl())
    const request = {
      leaf: parseCertificate(leaf.der),
      intermediates: [],
      anchors: [parseCertificate(root.der)],
      at: now(),
    }
    const crls = Array.from({ length: 513 }, () => crl)
    await expect(validatePath({ ...request, crls }, signatures)).rejects.toMatchObject({ fault: 'too_complex' })
  })
})
