import {
  algorithmOf,
  type CertificateOptions,
  type CrlOptions,
  commonName,
  extension,
  generalNames,
  nameOf,
  now,
  oids,
  type TestAuthority,
  type TestCertificate,
  type TestKey,
  testAuthority,
  testKey,
} from '../world/certificates.ts'
import { bytes, explicit, ia5, integer, nothing, octetString, oid, sequence } from '../world/der.ts'

/** Good certificates and lists, with everything in them that somebody reads. Their keys are new in every run. */
export interface Corpus {
  readonly root: TestAuthority
  /** With constraints of every kind. */
  readonly intermediate: TestAuthority
  /** Another certificate for the key of the intermediate, by another root. */
  readonly crossSigned: TestCertificate
  readonly leaf: TestCertificate
  readonly svid: TestCertificate
  readonly certificates: readonly Uint8Array[]
  readonly rootCrl: Uint8Array
  readonly intermediateCrl: Uint8Array
  readonly crls: readonly Uint8Array[]
}

const uri = (text: string) => generalNames.uri(text)
const critical = true

const nameConstraints = sequence(
  explicit(
    0,
    ...[
      generalNames.dns('example.org'),
      generalNames.email('example.org'),
      uri('.example.org'),
      uri('prod.example.org'),
      generalNames.ip(bytes(10, 0, 0, 0, 255, 0, 0, 0)),
      generalNames.ip(Uint8Array.from({ length: 32 }, (_, at) => (at === 0 || at === 16 ? 0xff : 0))),
      generalNames.directory(nameOf(['2.5.4.10', 'Example'])),
    ].map((base) => sequence(base)),
  ),
  explicit(1, sequence(generalNames.dns('not.example.org')), sequence(generalNames.email('root@example.org'))),
)

const policies = sequence(
  sequence(oid('1.3.6.1.4.1.55555.1.1'), sequence(sequence(oid('1.3.6.1.5.5.7.2.1'), ia5('https://example.org/cps')))),
  sequence(oid('2.5.29.32.0')),
)

const distributionPoints = sequence(
  sequence(explicit(0, explicit(0, uri('http://example.org/a.crl'), generalNames.directory(commonName('crl'))))),
)

const intermediateOptions = (key: TestKey): CertificateOptions => ({
  key,
  pathLen: 3,
  subject: nameOf(['2.5.4.10', 'Example'], ['2.5.4.3', 'Intermediate']),
  extensions: [
    { oid: oids.nameConstraints, critical, value: nameConstraints },
    { oid: oids.certificatePolicies, value: policies },
    { oid: oids.policyConstraints, critical, value: sequence(octetsOf(0x80, 3), octetsOf(0x81, 3)) },
    { oid: oids.inhibitAnyPolicy, critical, value: integer(3) },
    {
      oid: oids.policyMappings,
      critical,
      value: sequence(sequence(oid('1.3.6.1.4.1.55555.1.1'), oid('1.3.6.1.4.1.55555.1.2'))),
    },
  ],
})

const octetsOf = (tag: number, value: number): Uint8Array => bytes(tag, 1, value)

const leafOptions: CertificateOptions = {
  subject: nameOf(['2.5.4.10', 'Example'], ['2.5.4.3', 'client é']),
  dns: ['a.example.org', 'xn--a-ecp.example.org'],
  emails: ['alice@example.org'],
  uris: ['https://a.example.org/x'],
  ips: [bytes(10, 1, 2, 3), Uint8Array.from({ length: 16 }, (_, at) => (at === 0 ? 0xff : at))],
  otherNames: [generalNames.directory(nameOf(['2.5.4.10', 'Example'])), generalNames.registeredId(bytes(0x2a, 3))],
  extensions: [
    { oid: oids.certificatePolicies, value: sequence(sequence(oid('1.3.6.1.4.1.55555.1.2'))) },
    { oid: oids.crlDistributionPoints, value: distributionPoints },
    {
      oid: oids.authorityInfoAccess,
      value: sequence(sequence(oid('1.3.6.1.5.5.7.48.1'), uri('http://example.org/ocsp'))),
    },
  ],
}

const crlOptions: CrlOptions = {
  revoked: [
    { serial: 77n, extensions: [{ oid: oids.reasonCode, value: bytes(0x0a, 1, 1) }] },
    { serial: 0x7fffn },
    {
      serial: 78n,
      extensions: [{ oid: oids.certificateIssuer, critical, value: sequence(generalNames.directory(commonName('x'))) }],
    },
  ],
}

const pss = sequence(
  oid('1.2.840.113549.1.1.10'),
  sequence(
    explicit(0, sequence(oid('2.16.840.1.101.3.4.2.1'), nothing())),
    explicit(1, sequence(oid('1.2.840.113549.1.1.8'), sequence(oid('2.16.840.1.101.3.4.2.1'), nothing()))),
    explicit(2, integer(32)),
  ),
)

/** With bytes that are nothing but bytes: a Buffer would be written into JSON as something else. */
const plain = <Made extends TestCertificate>(made: Made): Made => ({ ...made, der: Uint8Array.from(made.der) })

/** Makes the corpus; takes some tens of milliseconds, most of them for one RSA key. */
export const makeCorpus = (): Corpus => {
  const key = testKey()
  const root = plain(testAuthority('Root'))
  const intermediate = plain(root.subordinate('', intermediateOptions(key)))
  const otherRoot = testAuthority('Other Root')
  const crossSigned = plain(otherRoot.issue({ ...intermediateOptions(key), ca: true, days: 20 }))
  const leaf = plain(intermediate.issue(leafOptions))
  const svid = plain(
    intermediate.issue({ uris: ['spiffe://prod.example.org/web'], subject: nameOf(['2.5.4.10', 'Example']) }),
  )
  const others = [
    root.issue({ key: 'Ed25519' }),
    root.issue({ key: 'P-384', wrong: { innerAlgorithm: algorithmOf('P-384') } }),
    root.issue({ key: 'RSA-2048', wrong: { innerAlgorithm: pss } }),
    root.issue({ extensions: [{ oid: '1.3.6.1.4.1.55555.9', critical, value: octetString(bytes(1)) }] }),
  ]
  const rootCrl = Uint8Array.from(root.crl())
  const intermediateCrl = Uint8Array.from(intermediate.crl({ revoked: [{ serial: 77n }] }))
  return {
    root,
    intermediate,
    crossSigned,
    leaf,
    svid,
    rootCrl,
    intermediateCrl,
    certificates: [root, intermediate, crossSigned, leaf, svid, ...others].map(({ der }) => der),
    crls: [rootCrl, intermediateCrl, root.crl(crlOptions), root.crl({ nextUpdate: now() + 60, extensions: scope })],
  }
}

const scope = [
  {
    oid: oids.issuingDistributionPoint,
    critical,
    value: sequence(explicit(0, explicit(0, uri('http://example.org/a.crl'))), bytes(0x81, 1, 0xff)),
  },
]

/** An extension of a certificate, to put into another. */
export const spareExtensions = (): readonly Uint8Array[] =>
  [
    { oid: oids.nameConstraints, critical, value: nameConstraints },
    { oid: oids.certificatePolicies, value: policies },
    { oid: oids.crlDistributionPoints, value: distributionPoints },
    { oid: oids.basicConstraints, critical, value: sequence(bytes(1, 1, 0xff), integer(0)) },
    { oid: '1.3.6.1.4.1.55555.9', critical, value: bytes(5, 0) },
  ].map(extension)
