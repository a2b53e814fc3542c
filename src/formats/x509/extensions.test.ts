import { describe, expect, it } from 'vitest'
import {
  type CertificateOptions,
  generalNames,
  oids,
  type TestExtension,
  testAuthority,
  testKey,
} from '../../../test/world/certificates.ts'
import {
  bitString,
  boolean,
  bytes,
  flags,
  implicit,
  integer,
  octetString,
  oid,
  sequence,
} from '../../../test/world/der.ts'
import { parseCertificate } from './certificate.ts'

const authority = testAuthority('authority')
const key = testKey()

const issue = (options: CertificateOptions = {}) => authority.issue({ key, ...options }).der
const withExtension = (extension: TestExtension) => issue({ extensions: [extension] })

/** What, how, and the exact message. */
type Hostile = readonly (readonly [what: string, der: () => Uint8Array, message: string])[]

const extensions: Hostile = [
  [
    'with a critical authority key identifier',
    () => withExtension({ oid: oids.authorityKeyIdentifier, critical: true, value: sequence(implicit(0, bytes(1))) }),
    'an extension must not be critical',
  ],
  [
    'with a critical subject key identifier',
    () => withExtension({ oid: oids.subjectKeyIdentifier, critical: true, value: octetString(bytes(1)) }),
    'an extension must not be critical',
  ],
  [
    'with critical access information',
    () =>
      withExtension({
        oid: oids.authorityInfoAccess,
        critical: true,
        value: sequence(sequence(oid('1.3.6.1.5.5.7.48.2'), generalNames.uri('http://ca.example.org/ca.crt'))),
      }),
    'an extension must not be critical',
  ],
  [
    'with empty access information',
    () => withExtension({ oid: oids.authorityInfoAccess, value: sequence() }),
    'a list in the DER is empty',
  ],
  [
    'with an empty key usage',
    () => withExtension({ oid: oids.keyUsage, value: flags([]) }),
    'a key usage is malformed',
  ],
  [
    'with a key usage of ten bits',
    () => withExtension({ oid: oids.keyUsage, value: flags([0, 9]) }),
    'a key usage is malformed',
  ],
  [
    'with a key usage with trailing zeros',
    () => withExtension({ oid: oids.keyUsage, value: bitString(bytes(0x80)) }),
    'a set of flags in the DER has trailing zeros',
  ],
  [
    'with cA FALSE written out',
    () => withExtension({ oid: oids.basicConstraints, value: sequence(boolean(false)) }),
    'a default value is written out',
  ],
  [
    'with a path length for what is no authority',
    () => withExtension({ oid: oids.basicConstraints, value: sequence(integer(0)) }),
    'a path length is set for what is no authority',
  ],
  [
    'with a negative path length',
    () => withExtension({ oid: oids.basicConstraints, value: sequence(boolean(true), integer(-1)) }),
    'a number in the DER is malformed or out of range',
  ],
  [
    'with an empty extended key usage',
    () => withExtension({ oid: oids.extendedKeyUsage, value: sequence() }),
    'a list in the DER is empty',
  ],
  [
    'with a policy twice',
    () =>
      withExtension({
        oid: oids.certificatePolicies,
        value: sequence(sequence(oid('1.2.3')), sequence(oid('1.2.3'))),
      }),
    'a policy is there twice',
  ],
  [
    'with empty policy constraints',
    () => withExtension({ oid: oids.policyConstraints, critical: true, value: sequence() }),
    'policy constraints are empty',
  ],
  [
    'with empty name constraints',
    () => withExtension({ oid: oids.nameConstraints, critical: true, value: sequence() }),
    'name constraints are empty',
  ],
  [
    'with a distribution point of reasons only',
    () => withExtension({ oid: oids.crlDistributionPoints, value: sequence(sequence(implicit(1, bytes(6, 0x40)))) }),
    'a distribution point names nothing',
  ],
  [
    'with an extension that is not DER',
    () => withExtension({ oid: oids.subjectAltName, value: Buffer.from('DNS:a.example.org') }),
    'the DER cannot be read',
  ],
  [
    'whose authority key identifier has a serial number and no issuer',
    () =>
      withExtension({
        oid: oids.authorityKeyIdentifier,
        value: sequence(implicit(0, bytes(1)), implicit(2, bytes(1))),
      }),
    'an authority key identifier is malformed',
  ],
]

describe('a certificate', () => {
  it.each(extensions)('is refused %s', (_what, der, message) => {
    expect(() => parseCertificate(der())).toThrow(expect.objectContaining({ name: 'FormatError', message }))
  })
})
