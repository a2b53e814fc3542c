import { describe, expect, it } from 'vitest'
import {
  type CertificateOptions,
  commonName,
  generalNames,
  nameOf,
  oids,
  type TestExtension,
  testAuthority,
  testKey,
} from '../../../test/world/certificates.ts'
import { bytes, explicit, ia5, implicit, oid, printable, sequence, tlv, utf8 } from '../../../test/world/der.ts'
import { parseCertificate } from './certificate.ts'

const authority = testAuthority('authority')
const key = testKey()

const issue = (options: CertificateOptions = {}) => authority.issue({ key, ...options }).der
const withExtension = (extension: TestExtension) => issue({ extensions: [extension] })
const name = (value: Uint8Array, type = '2.5.4.3') => issue({ subject: nameOf([type, value]) })
const san = (...names: readonly Uint8Array[]) => withExtension({ oid: oids.subjectAltName, value: sequence(...names) })

/** What, how, and the exact message. */
type Hostile = readonly (readonly [what: string, der: () => Uint8Array, message: string])[]

const names: Hostile = [
  ['with an empty list of names', () => san(), 'a list in the DER is empty'],
  [
    'with a NUL in a DNS name',
    () => san(generalNames.dns('a\0.example.org')),
    'a text has characters that its type does not have',
  ],
  ['with an empty DNS name', () => san(generalNames.dns('')), 'a name of the type dns is malformed'],
  ['with a blank DNS name', () => san(generalNames.dns(' ')), 'a name of the type dns is malformed'],
  ['with a leading period', () => san(generalNames.dns('.example.org')), 'a name of the type dns is malformed'],
  ['with a trailing period', () => san(generalNames.dns('example.org.')), 'a name of the type dns is malformed'],
  ['with an underscore', () => san(generalNames.dns('a_b.example.org')), 'a name of the type dns is malformed'],
  ['with an address as a DNS name', () => san(generalNames.dns('192.0.2.1')), 'a name of the type dns is malformed'],
  ['with a wildcard within', () => san(generalNames.dns('a.*.example.org')), 'a name of the type dns is malformed'],
  ['with part of a wildcard', () => san(generalNames.dns('a*.example.org')), 'a name of the type dns is malformed'],
  ['with nothing but a wildcard', () => san(generalNames.dns('*')), 'a name of the type dns is malformed'],
  [
    'with a smuggled separator',
    () => san(generalNames.dns('a.example.org, URI:spiffe://x')),
    'a name of the type dns is malformed',
  ],
  [
    'with a URI as a DNS name',
    () => san(generalNames.dns('spiffe://example.org/a')),
    'a name of the type dns is malformed',
  ],
  [
    'with a DNS name beyond ASCII',
    () => san(generalNames.dns('bücher.example.org')),
    'a text has characters that its type does not have',
  ],
  ['with two @', () => san(generalNames.email('a@b@example.org')), 'a name of the type email is malformed'],
  ['with no @', () => san(generalNames.email('example.org')), 'a name of the type email is malformed'],
  [
    'with a newline in a mailbox',
    () => san(generalNames.email('a@example.org\n')),
    'a text has characters that its type does not have',
  ],
  ['with a relative URI', () => san(generalNames.uri('/a/b')), 'a name of the type uri is malformed'],
  [
    'with a space in a URI',
    () => san(generalNames.uri('https://x, URI:spiffe://example.org/a')),
    'a name of the type uri is malformed',
  ],
  [
    'with a NUL in a URI',
    () => san(generalNames.uri('spiffe://example.org/a\0')),
    'a text has characters that its type does not have',
  ],
  [
    'with a malformed escape in a URI',
    () => san(generalNames.uri('https://a/%zz')),
    'a name of the type uri is malformed',
  ],
  [
    'with an address range',
    () => san(generalNames.ip(bytes(192, 0, 2, 0, 255, 255, 255, 0))),
    'an IP address is malformed',
  ],
  ['with an address of 5 octets', () => san(generalNames.ip(bytes(192, 0, 2, 0, 1))), 'an IP address is malformed'],
  ['with a name of an unknown form', () => san(implicit(9, bytes(1))), 'a name is of no known type'],
  ['with a constructed DNS name', () => san(explicit(2, ia5('a.example.org'))), 'a name is of no known type'],
  ['with a name of a universal type', () => san(ia5('a.example.org')), 'a name is of no known type'],
  [
    'with two values in one directory name',
    () => san(explicit(4, commonName('a'), commonName('b'))),
    'a field of the DER does not hold one value',
  ],
  ['with a NUL in the subject', () => name(utf8('admin\0.example.org')), 'a text has control characters'],
  ['with a line end in the subject', () => name(utf8('a\u2028b')), 'a text has control characters'],
  ['with malformed UTF-8', () => name(tlv(0x0c, bytes(0xc3, 0x28))), 'a text is not UTF-8'],
  ['with overlong UTF-8', () => name(tlv(0x0c, bytes(0xc0, 0x80))), 'a text is not UTF-8'],
  ['with a surrogate', () => name(tlv(0x1e, bytes(0xd8, 0))), 'a text has control characters'],
  ['with half a character', () => name(tlv(0x1e, bytes(0x61))), 'the DER cannot be read'],
  ['with an @ in a PrintableString', () => name(printable('a@b')), 'a text has characters that its type does not have'],
  [
    'with letters in a NumericString',
    () => name(tlv(0x12, Buffer.from('12a'))),
    'a text has characters that its type does not have',
  ],
  ['with a text that is too long', () => name(utf8('a'.repeat(4_097))), 'a text is too long'],
  ['with an empty step in the subject', () => issue({ subject: sequence(tlv(0x31)) }), 'a list in the DER is empty'],
  [
    'with a step that is not sorted',
    () =>
      issue({
        subject: sequence(tlv(0x31, sequence(oid('2.5.4.10'), utf8('b')), sequence(oid('2.5.4.3'), utf8('a')))),
      }),
    'a set in a name is not sorted',
  ],
]

describe('a certificate', () => {
  it.each(names)('is refused %s', (_what, der, message) => {
    expect(() => parseCertificate(der())).toThrow(expect.objectContaining({ name: 'FormatError', message }))
  })
})
