import { describe, expect, it } from 'vitest'
import {
  type CertificateOptions,
  commonName,
  generalNames,
  nameOf,
  oids,
  testAuthority,
  testKey,
} from '../../../test/world/certificates.ts'
import {
  bytes,
  type Der,
  explicit,
  ia5,
  implicit,
  integer,
  oidOctets,
  printable,
  sequence,
  utf8,
} from '../../../test/world/der.ts'
import { parseCertificate } from './certificate.ts'
import { judgeNames } from './name-matching.ts'

const key = testKey()
const issuer = testAuthority('issuer', { key })

const subtrees = (number: number, bases: readonly Der[]) =>
  bases.length === 0 ? [] : [explicit(number, ...bases.map((base) => sequence(base)))]

const constraints = (permitted: readonly Der[], excluded: readonly Der[] = []) => {
  const value = sequence(...subtrees(0, permitted), ...subtrees(1, excluded))
  const extensions = [{ oid: oids.nameConstraints, critical: true, value }]
  const parsed = parseCertificate(testAuthority('constrained', { key, extensions }).der).extensions.nameConstraints
  if (parsed === undefined) throw new Error('no name constraints')
  return parsed
}

const verdict = (
  names: CertificateOptions,
  permitted: readonly Der[],
  excluded: readonly Der[] = [],
  budget = 1_000,
): string =>
  judgeNames(parseCertificate(issuer.issue({ key, ...names }).der), constraints(permitted, excluded), { left: budget })

const { uri, dns, email, ip, directory, registeredId, other } = generalNames

/** A base, a name, and whether the name is in it. */
type Cases = readonly (readonly [base: string, name: string, isIn: boolean])[]

const hosts: Cases = [
  ['example.org', 'example.org', true],
  ['example.org', 'EXAMPLE.org', true],
  ['Example.ORG', 'a.example.org', true],
  ['example.org', 'a.b.example.org', true],
  ['example.org', '*.example.org', true],
  ['example.org', 'notexample.org', false],
  ['example.org', 'example.org.evil.example', false],
  ['a.example.org', 'example.org', false],
  ['', 'example.org', true],
]

const mailboxes: Cases = [
  ['example.org', 'a@example.org', true],
  ['example.org', 'a@EXAMPLE.org', true],
  ['example.org', 'a@mail.example.org', false],
  ['.example.org', 'a@mail.example.org', true],
  ['.example.org', 'a@example.org', false],
  ['a@example.org', 'a@example.org', true],
  ['a@example.org', 'a@EXAMPLE.ORG', true],
  ['a@example.org', 'A@example.org', false],
  ['*@example.org', 'a@example.org', false],
  ['*@example.org', '*@example.org', true],
]

const uris: Cases = [
  ['example.org', 'spiffe://example.org/a', true],
  ['example.org', 'https://EXAMPLE.org:8443/', true],
  ['example.org', 'https://user@example.org/', true],
  ['example.org', 'https://a.example.org/', false],
  ['.example.org', 'https://a.example.org/', true],
  ['.example.org', 'https://example.org/', false],
  ['example.org', 'https://evil.example/?@example.org', false],
  ['example.org', 'https://example.org@evil.example/', false],
  ['example.org', 'https://evil.example#@example.org/', false],
  ['trust_domain.example', 'spiffe://trust_domain.example/a', true],
]

describe.each([
  ['dns', dns, 'dns', hosts],
  ['email', email, 'emails', mailboxes],
  ['uri', uri, 'uris', uris],
] as const)('a subtree of the type %s', (_type, base, member, cases) => {
  it.each(cases)('based at "%s" and the name %s: %s', (subtree, name, isIn) => {
    expect(verdict({ [member]: [name] }, [base(subtree)])).toBe(isIn ? 'allowed' : 'violated')
    expect(verdict({ [member]: [name] }, [], [base(subtree)])).toBe(isIn ? 'violated' : 'allowed')
  })
})

describe('a subtree of addresses', () => {
  const range = ip(bytes(192, 0, 2, 128, 255, 255, 255, 128))
  const range6 = ip(Buffer.from(`20010db8${'00'.repeat(12)}ffffffff${'00'.repeat(12)}`, 'hex'))

  it.each([
    ['c0000280', true],
    ['c00002ff', true],
    ['c000027f', false],
    ['00000000', false],
  ])('holds %s: %s', (hex, isIn) => {
    expect(verdict({ ips: [Buffer.from(hex, 'hex')] }, [range])).toBe(isIn ? 'allowed' : 'violated')
    expect(verdict({ ips: [Buffer.from(hex, 'hex')] }, [], [range])).toBe(isIn ? 'violated' : 'allowed')
  })

  it('holds addresses of its own version only', () => {
    const mapped = Buffer.from('00000000000000000000ffffc0000280', 'hex')
    const inside = Buffer.from('20010db8000000000000000000000001', 'hex')
    expect(verdict({ ips: [mapped] }, [range])).toBe('violated')
    expect(verdict({ ips: [mapped] }, [], [range])).toBe('allowed')
    expect(verdict({ ips: [inside] }, [range6])).toBe('allowed')
    expect(verdict({ ips: [inside] }, [], [range6])).toBe('violated')
  })
})

describe('a subtree of directory names', () => {
  const base = directory(nameOf(['2.5.4.6', printable('DE')], ['2.5.4.10', 'Example']))
  const subject = (...rest: readonly (readonly [string, string | Der])[]) =>
    nameOf(['2.5.4.6', utf8('de')], ['2.5.4.10', printable('EXAMPLE')], ...rest)

  it('holds the names that begin with it, also in other string types and letters', () => {
    expect(verdict({ subject: subject(['2.5.4.3', 'a']) }, [base])).toBe('allowed')
    expect(verdict({ subject: subject() }, [base])).toBe('allowed')
    expect(verdict({ subject: subject(['2.5.4.3', 'a']) }, [], [base])).toBe('violated')
    expect(verdict({ subject: nameOf(['2.5.4.10', 'Example'], ['2.5.4.6', 'DE']) }, [base])).toBe('violated')
    expect(verdict({ subject: nameOf(['2.5.4.6', 'DE']) }, [base])).toBe('violated')
  })

  it('is asked of the subject and of directory names beside it', () => {
    const outside = directory(commonName('outside'))
    expect(verdict({ subject: subject(), otherNames: [outside] }, [base])).toBe('violated')
    expect(verdict({ subject: 'outside', otherNames: [directory(subject())] }, [base])).toBe('violated')
    expect(verdict({ subject: 'outside', otherNames: [directory(subject())] }, [], [base])).toBe('violated')
  })
})

describe('constraints', () => {
  it('are about names of their own type, but what is excluded wins', () => {
    expect(verdict({ dns: ['a.example'] }, [email('example.org')])).toBe('allowed')
    expect(verdict({ dns: ['a.example.org'] }, [dns('example.org')], [dns('a.example.org')])).toBe('violated')
    expect(verdict({ dns: ['a.example.org', 'evil.example'] }, [dns('example.org')])).toBe('violated')
    expect(verdict({ dns: ['b.example', 'a.example'] }, [dns('a.example'), dns('b.example')])).toBe('allowed')
  })

  it('see through wildcards', () => {
    expect(verdict({ dns: ['*.example.org'] }, [], [dns('a.example.org')])).toBe('violated')
    expect(verdict({ dns: ['*.EXAMPLE.org'] }, [], [dns('a.example.org')])).toBe('violated')
    expect(verdict({ dns: ['*.example.org'] }, [dns('a.example.org')])).toBe('violated')
    expect(verdict({ dns: ['*.example.org'] }, [], [dns('a.b.example.org')])).toBe('allowed')
  })

  it('refuse a URI whose host they cannot judge', () => {
    for (const name of [
      'urn:example:a',
      'https://192.0.2.1/',
      'https://[2001:db8::1]/',
      'mailto:a@example.org',
      'https://a@b@example.org/',
    ]) {
      expect(verdict({ uris: [name] }, [uri('example.org')])).toBe('violated')
      expect(verdict({ uris: [name] }, [], [uri('example.org')])).toBe('violated')
      expect(verdict({ uris: [name] }, [dns('example.org')])).toBe('allowed')
    }
  })

  it('are asked of mailboxes and hosts in the subject', () => {
    const withMailbox = nameOf(['1.2.840.113549.1.9.1', ia5('a@evil.example')])
    expect(verdict({ subject: withMailbox }, [email('example.org')])).toBe('violated')
    expect(verdict({ subject: withMailbox, emails: ['a@example.org'] }, [email('example.org')])).toBe('violated')
    expect(verdict({ subject: nameOf(['1.2.840.113549.1.9.1', ia5('nobody')]) }, [], [email('example.org')])).toBe(
      'violated',
    )
    const oddMailbox = nameOf(['1.2.840.113549.1.9.1', ia5('a@evil.example@example.org')])
    expect(verdict({ subject: oddMailbox }, [email('example.org')])).toBe('violated')
    expect(verdict({ subject: 'evil.example' }, [dns('example.org')])).toBe('violated')
    expect(verdict({ subject: 'John Smith Jr.' }, [dns('example.org')])).toBe('allowed')
    expect(verdict({ subject: 'evil.example', dns: ['a.example.org'] }, [dns('example.org')])).toBe('allowed')
  })

  it('refuse names of forms that are constrained and not understood', () => {
    const foreign = other('1.2.3', utf8('x'))
    expect(verdict({ otherNames: [foreign] }, [foreign])).toBe('violated')
    expect(verdict({ otherNames: [foreign] }, [], [other('1.2.4', utf8('y'))])).toBe('violated')
    expect(verdict({ otherNames: [registeredId(oidOctets('1.2.3'))] }, [], [foreign])).toBe('allowed')
    expect(verdict({ dns: ['example.org'] }, [], [foreign])).toBe('allowed')
  })

  it('cost no more than the budget', () => {
    const many = Array.from({ length: 40 }, (_, at) => dns(`a${at}.example.org`))
    expect(verdict({ dns: ['a.example', 'b.example'] }, [], many, 119)).toBe('too_complex')
    expect(verdict({ dns: ['a.example', 'b.example'] }, [], many, 120)).toBe('allowed')
  })

  it.each([
    ['a leading period', dns('.example.org')],
    ['a wildcard', dns('*.example.org')],
    ['a NUL', dns('example.org\0')],
    ['an address alone', ip(bytes(192, 0, 2, 1))],
    ['a mask with holes', ip(bytes(192, 0, 2, 0, 255, 0, 255, 0))],
    ['octets of no version', ip(bytes(1, 2, 3, 4, 5, 6))],
    ['two @', email('a@b@example.org')],
    ['nothing for a mailbox', email('')],
    ['a URI for a host', uri('https://example.org/')],
    ['a host with a port', uri('example.org:443')],
    ['a form that does not exist', implicit(9, bytes())],
  ])('are malformed with %s', (_what, base) => {
    expect(() => constraints([base])).toThrow(expect.objectContaining({ name: 'FormatError' }))
    expect(() => constraints([], [base])).toThrow(expect.objectContaining({ name: 'FormatError' }))
  })

  it('are malformed with a minimum, a maximum, or an empty list', () => {
    const extension = (value: Der) => [{ oid: oids.nameConstraints, critical: true, value }]
    const bounded = (bound: Der) => sequence(explicit(0, sequence(dns('example.org'), bound)))
    for (const value of [
      bounded(implicit(0, bytes(0))),
      bounded(implicit(0, bytes(1))),
      bounded(implicit(1, bytes(1))),
      sequence(explicit(0)),
      sequence(integer(1)),
    ])
      expect(() => parseCertificate(testAuthority('x', { key, extensions: extension(value) }).der)).toThrow(
        expect.objectContaining({ name: 'FormatError' }),
      )
  })
})
