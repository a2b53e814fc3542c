import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  bitString,
  boolean,
  type Der,
  explicit,
  flags,
  implicit,
  integer,
  nothing,
  octetString,
  oid,
  sequence,
  setOf,
  time,
  utf8,
} from './der.ts'

/** Certificates, well-formed and otherwise, with real keys. They begin an hour ago and are good for a day. */

export type KeyKind = 'P-256' | 'P-384' | 'P-521' | 'secp256k1' | 'Ed25519' | 'RSA-2048' | 'RSA-1024'

export interface TestKey {
  readonly kind: KeyKind
  readonly privateKey: KeyObject
  /** DER of the SubjectPublicKeyInfo. */
  readonly spki: Der
  /** PKCS #8. */
  readonly privateKeyPem: string
}

/** A new key. RSA keys of 2048 bits take a while: make few. */
export const testKey = (kind: KeyKind = 'P-256'): TestKey => {
  const { publicKey, privateKey } = pairOf(kind)
  return {
    kind,
    privateKey,
    spki: publicKey.export({ type: 'spki', format: 'der' }),
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

const pairOf = (kind: KeyKind) => {
  if (kind === 'Ed25519') return generateKeyPairSync('ed25519')
  if (kind === 'RSA-2048') return generateKeyPairSync('rsa', { modulusLength: 2_048 })
  if (kind === 'RSA-1024') return generateKeyPairSync('rsa', { modulusLength: 1_024 })
  return generateKeyPairSync('ec', { namedCurve: kind })
}

/** An X.509 extension (RFC 5280 section 4.2): `value` is what the OCTET STRING holds. */
export interface TestExtension {
  readonly oid: string
  readonly critical?: boolean
  readonly value: Der
}

const keyUsageBits = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
} as const

const purposes = {
  clientAuth: '1.3.6.1.5.5.7.3.2',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  any: '2.5.29.37.0',
} as const

export const oids = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  deltaCrlIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  certificateIssuer: '2.5.29.29',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  inhibitAnyPolicy: '2.5.29.54',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
} as const

export interface CertificateOptions {
  /** A common name, or the DER of a whole Name. Absent: the name `client`. */
  readonly subject?: string | Der
  readonly uris?: readonly string[]
  readonly dns?: readonly string[]
  readonly emails?: readonly string[]
  /** The octets of each address. */
  readonly ips?: readonly Der[]
  /** Further GeneralNames, in DER. */
  readonly otherNames?: readonly Der[]
  readonly ca?: boolean
  readonly pathLen?: number
  /** Absent: digitalSignature, or keyCertSign and cRLSign for an authority. `null`: no such extension. */
  readonly keyUsage?: readonly (keyof typeof keyUsageBits)[] | null
  /** Purposes by name, or as dotted OIDs. Absent: clientAuth and serverAuth, none for an authority. `null`: none. */
  readonly eku?: readonly string[] | null
  readonly serial?: bigint
  /** Seconds since 1970. */
  readonly notBefore?: number
  readonly notAfter?: number
  /** In place of `notAfter`. */
  readonly days?: number
  readonly key?: TestKey | KeyKind
  /** Added at the end, or in place of those with the same OID. */
  readonly extensions?: readonly TestExtension[]
  /** OIDs of extensions to leave out. */
  readonly without?: readonly string[]
  readonly wrong?: WrongThings
}

/** What no authority should ever do. */
export interface WrongThings {
  /** The number in the version field; `null` leaves the field out. */
  readonly version?: number | null
  readonly issuer?: Der
  /** DER of the AlgorithmIdentifier inside and outside the signed part. */
  readonly innerAlgorithm?: Der
  readonly outerAlgorithm?: Der
  readonly serial?: Der
  readonly validity?: Der
  readonly spki?: Der
  /** The whole list of extensions, as it stands in `[3]`. */
  readonly extensions?: Der
  /** Appended to the signed part, e.g. unique identifiers. */
  readonly appended?: Der
  readonly signWith?: TestKey
  readonly signature?: (signature: Der) => Der
}

export interface TestCertificate {
  readonly der: Der
  readonly pem: string
  readonly key: TestKey
  /** PKCS #8. */
  readonly privateKeyPem: string
  /** DER of the subject. */
  readonly subject: Der
  readonly serial: bigint
}

export interface TestAuthority extends TestCertificate {
  issue(options?: CertificateOptions): TestCertificate
  /** An authority below this one. */
  subordinate(name: string, options?: CertificateOptions): TestAuthority
  crl(options?: CrlOptions): Der
}

export interface CrlOptions {
  readonly revoked?: readonly RevokedOptions[]
  readonly issuer?: Der
  readonly thisUpdate?: number
  /** `null` leaves it out. */
  readonly nextUpdate?: number | null
  /** `null` leaves the extension out. */
  readonly number?: bigint | null
  readonly extensions?: readonly TestExtension[]
  readonly signWith?: TestKey
  readonly algorithm?: Der
}

export interface RevokedOptions {
  readonly serial: bigint
  readonly at?: number
  readonly extensions?: readonly TestExtension[]
}

export const now = (): number => Math.floor(Date.now() / 1000)

/** A Name of one attribute each: `['2.5.4.3', 'client']` is CN=client. */
export const nameOf = (...attributes: readonly (readonly [type: string, value: string | Der])[]): Der =>
  sequence(
    ...attributes.map(([type, value]) => setOf(sequence(oid(type), typeof value === 'string' ? utf8(value) : value))),
  )

export const commonName = (name: string): Der => nameOf(['2.5.4.3', name])

export const generalNames = {
  uri: (uri: string): Der => implicit(6, Buffer.from(uri)),
  dns: (name: string): Der => implicit(2, Buffer.from(name)),
  email: (mailbox: string): Der => implicit(1, Buffer.from(mailbox)),
  ip: (octets: Der): Der => implicit(7, octets),
  directory: (name: Der): Der => explicit(4, name),
  registeredId: (octets: Der): Der => implicit(8, octets),
  other: (type: string, value: Der): Der => explicit(0, oid(type), explicit(0, value)),
} as const

const rsaAlgorithm = (): Der => sequence(oid('1.2.840.113549.1.1.11'), nothing())

/** The AlgorithmIdentifier that a key signs with here: SHA-256 unless the curve is larger. */
export const algorithmOf = (kind: KeyKind): Der => {
  if (kind === 'Ed25519') return sequence(oid('1.3.101.112'))
  if (kind.startsWith('RSA')) return rsaAlgorithm()
  return sequence(
    oid({ 'P-384': '1.2.840.10045.4.3.3', 'P-521': '1.2.840.10045.4.3.4' }[kind as string] ?? '1.2.840.10045.4.3.2'),
  )
}

const signed = (data: Der, { kind, privateKey }: TestKey): Der => {
  if (kind === 'Ed25519') return sign(null, data, privateKey)
  return sign({ 'P-384': 'sha384', 'P-521': 'sha512' }[kind as string] ?? 'sha256', data, privateKey)
}

export const keyIdentifier = (key: TestKey): Der => createHash('sha1').update(key.spki).digest()

export const extension = ({ oid: type, critical, value }: TestExtension): Der =>
  sequence(oid(type), ...(critical === true ? [boolean(true)] : []), octetString(value))

const subjectAltName = (options: CertificateOptions): readonly TestExtension[] => {
  const names = [
    ...(options.uris ?? []).map(generalNames.uri),
    ...(options.dns ?? []).map(generalNames.dns),
    ...(options.emails ?? []).map(generalNames.email),
    ...(options.ips ?? []).map(generalNames.ip),
    ...(options.otherNames ?? []),
  ]
  return names.length === 0 ? [] : [{ oid: oids.subjectAltName, value: sequence(...names) }]
}

const basicConstraints = ({ ca, pathLen }: CertificateOptions): TestExtension => ({
  oid: oids.basicConstraints,
  critical: true,
  value: sequence(...(ca === true ? [boolean(true)] : []), ...(pathLen === undefined ? [] : [integer(pathLen)])),
})

const usages = (options: CertificateOptions): readonly TestExtension[] => {
  const { ca = false, keyUsage = ca ? ['keyCertSign', 'cRLSign'] : ['digitalSignature'] } = options
  const { eku = ca ? null : ['clientAuth', 'serverAuth'] } = options
  const bits = keyUsage === null ? undefined : flags(keyUsage.map((name) => keyUsageBits[name]))
  const named: Readonly<Record<string, string>> = purposes
  return [
    ...(bits === undefined ? [] : [{ oid: oids.keyUsage, critical: true, value: bits }]),
    ...(eku === null
      ? []
      : [{ oid: oids.extendedKeyUsage, value: sequence(...eku.map((purpose) => oid(named[purpose] ?? purpose))) }]),
  ]
}

const extensionsOf = (options: CertificateOptions, key: TestKey, issuerKey: TestKey): readonly TestExtension[] => {
  const standard = [
    basicConstraints(options),
    ...usages(options),
    { oid: oids.subjectKeyIdentifier, value: octetString(keyIdentifier(key)) },
    { oid: oids.authorityKeyIdentifier, value: sequence(implicit(0, keyIdentifier(issuerKey))) },
    ...subjectAltName(options),
  ]
  const own = options.extensions ?? []
  const replaced = new Set([...own.map((each) => each.oid), ...(options.without ?? [])])
  return [...standard.filter((each) => !replaced.has(each.oid)), ...own]
}

let serials = 0x1000n

interface Issuer {
  readonly subject: Der
  readonly key: TestKey
}

/** A certificate signed by `issuer`; by itself where that is undefined. */
export const testCertificate = (options: CertificateOptions = {}, issuer?: Issuer): TestCertificate => {
  const key = typeof options.key === 'object' ? options.key : testKey(options.key)
  const subject = subjectOf(options.subject)
  const serial = options.serial ?? ++serials
  const by = issuer ?? { subject, key }
  const der = signedStructure(toBeSigned(options, subject, key, by, serial), by.key, options.wrong)
  return { der, pem: pemOf(der), key, privateKeyPem: key.privateKeyPem, subject, serial }
}

const subjectOf = (subject: string | Der = 'client'): Der =>
  typeof subject === 'string' ? commonName(subject) : subject

const toBeSigned = (options: CertificateOptions, subject: Der, key: TestKey, issuer: Issuer, serial: bigint): Der => {
  const { wrong = {}, notBefore = now() - 3_600, days = 1, notAfter = now() + days * 86_400 } = options
  const { version = 2 } = wrong
  return sequence(
    ...(version === null ? [] : [explicit(0, integer(version))]),
    wrong.serial ?? integer(serial),
    wrong.innerAlgorithm ?? algorithmOf((wrong.signWith ?? issuer.key).kind),
    wrong.issuer ?? issuer.subject,
    wrong.validity ?? sequence(time(notBefore), time(notAfter)),
    subject,
    wrong.spki ?? key.spki,
    ...(wrong.appended === undefined ? [] : [wrong.appended]),
    explicit(3, wrong.extensions ?? sequence(...extensionsOf(options, key, issuer.key).map(extension))),
  )
}

const signedStructure = (tbs: Der, key: TestKey, wrong: WrongThings = {}): Der => {
  const signer = wrong.signWith ?? key
  const signature = signed(tbs, signer)
  const algorithm = wrong.outerAlgorithm ?? wrong.innerAlgorithm ?? algorithmOf(signer.kind)
  return sequence(tbs, algorithm, bitString(wrong.signature?.(signature) ?? signature))
}

/** A self-signed authority that may sign certificates and CRLs. */
export const testAuthority = (name: string, options: CertificateOptions = {}): TestAuthority =>
  authorityOf(testCertificate({ subject: name, ca: true, days: 30, ...options }))

const authorityOf = (certificate: TestCertificate): TestAuthority => ({
  ...certificate,
  issue: (options = {}) => testCertificate(options, certificate),
  subordinate: (name, options = {}) =>
    authorityOf(testCertificate({ subject: name, ca: true, days: 30, ...options }, certificate)),
  crl: (options = {}) => testCrl(certificate, options),
})

const testCrl = (authority: TestCertificate, options: CrlOptions): Der => {
  const { thisUpdate = now() - 3_600, nextUpdate = now() + 86_400, number = 1n, revoked = [] } = options
  const signer = options.signWith ?? authority.key
  const algorithm = options.algorithm ?? algorithmOf(signer.kind)
  const standard: readonly TestExtension[] = [
    { oid: oids.authorityKeyIdentifier, value: sequence(implicit(0, keyIdentifier(signer))) },
    ...(number === null ? [] : [{ oid: oids.crlNumber, value: integer(number) }]),
  ]
  const own = options.extensions ?? []
  const all = [...standard.filter((each) => own.every((other) => other.oid !== each.oid)), ...own]
  const tbs = sequence(
    integer(1),
    algorithm,
    options.issuer ?? authority.subject,
    time(thisUpdate),
    ...(nextUpdate === null ? [] : [time(nextUpdate)]),
    ...(revoked.length === 0 ? [] : [sequence(...revoked.map(revokedEntry))]),
    ...(all.length === 0 ? [] : [explicit(0, sequence(...all.map(extension)))]),
  )
  return sequence(tbs, algorithm, bitString(signed(tbs, signer)))
}

const revokedEntry = ({ serial, at = now() - 1_800, extensions = [] }: RevokedOptions): Der =>
  sequence(integer(serial), time(at), ...(extensions.length === 0 ? [] : [sequence(...extensions.map(extension))]))

/** `CERTIFICATE` armour (RFC 7468 section 5); another label makes another kind. */
export const pemOf = (der: Der, label = 'CERTIFICATE'): string => {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
