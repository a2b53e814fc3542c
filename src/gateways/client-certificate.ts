import type { Caller } from '../domain/caller.ts'
import { heldBy, type PresentedCertificate } from '../domain/presented-certificate.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import type {
  AnyCertificateHeaders,
  LeafDetails,
  Stated,
  Statement,
} from '../formats/certificate-headers/certificate-headers.ts'
import { FormatError } from '../formats/format-error.ts'
import type { GatewayRegistration } from '../formats/gateway-document.ts'
import { type Certificate, parseCertificate } from '../formats/x509/certificate.ts'
import { alternativeNames } from '../formats/x509/claims.ts'
import type { Digest } from '../ports/digest.ts'
import type { Ports } from '../ports/ports.ts'
import { type GatewayCall, type GatewayProof, type GatewayTools, prepareProof } from './gateway-authentication.ts'

/** A Gateway document, made ready. */
export interface PreparedGateway extends GatewayProof {
  readonly name: string
  /** The header fields that it states certificates in. */
  readonly carriers: readonly string[]
  /** What it states in them. Throws a FormatError. */
  readonly read: (field: GatewayCall['header']) => Stated
}

/** All gateways of the documents, and the header fields that belong to none of them or to another. */
export interface Gateways {
  readonly all: readonly PreparedGateway[]
  /** Every field that some dialect or some gateway states certificates in, and its twin with underscores. */
  readonly carriers: readonly string[]
}

/**
 * Makes a Gateway document ready.
 *
 * @throws Error that says what is missing
 */
export const prepareGateway = async (
  { name, authenticate, certificateFrom }: GatewayRegistration,
  dialects: readonly AnyCertificateHeaders[],
  tools: GatewayTools,
): Promise<PreparedGateway> => {
  const dialect = dialects.find(({ kind }) => kind === certificateFrom.kind)
  if (dialect === undefined) throw new Error(`no certificate header of the kind ${certificateFrom.kind}`)
  return {
    name,
    ...(await prepareProof(authenticate, tools)),
    carriers: dialect.carriers(certificateFrom.config),
    read: (field) => dialect.read(field, certificateFrom.config),
  }
}

/** All gateways together. The fields in which `dialects` are usually spoken are known even where nobody uses them. */
export const gatewaysOf = (all: readonly PreparedGateway[], dialects: readonly AnyCertificateHeaders[]): Gateways => {
  const usual = dialects.flatMap((dialect) => [
    ...dialect.carriers(dialect.schema.parse({})),
    ...(dialect.otherCarriers ?? []),
  ])
  const names = [...usual, ...all.flatMap(({ carriers }) => carriers)]
  return { all, carriers: [...new Set(names.flatMap((name) => [name, name.replaceAll('-', '_')]))] }
}

/**
 * The certificate of the client of a request: the one that a gateway states, where the caller has proven to be one,
 * and otherwise that of the TLS connection. A certificate is public, so only its holder and those whom we believe may
 * speak of it: a certificate in any other header, or from anyone else, is refused before it is looked at. Without any
 * Gateway document there are no such headers, and none is read.
 *
 * @throws Refusal `certificate.*`, `keys.unavailable`
 */
export const clientCertificate = async (
  call: GatewayCall,
  caller: Caller,
  gateways: Gateways,
  now: Instant,
  tools: { readonly ports: Pick<Ports, 'digest'> },
): Promise<PresentedCertificate | undefined> => {
  const { digest } = tools.ports
  if (gateways.all.length === 0) return overTls(caller, digest)
  const gateway = await gatewayAmong(gateways.all, call, caller, now)
  const stray = gateways.carriers.find((name) => gateway?.carriers.includes(name) !== true && isThere(call, name))
  if (gateway === undefined) {
    if (stray !== undefined) throw new Refusal('certificate.header_untrusted', `${stray} came from no gateway`)
    return overTls(caller, digest)
  }
  if (stray !== undefined)
    throw new Refusal('certificate.header_conflict', `${stray} is not the header of the gateway ${gateway.name}`)
  const stated = statedBy(gateway, call)
  return stated === undefined ? undefined : certificateOf(stated, gateway, digest)
}

const isThere = (call: GatewayCall, name: string): boolean => call.header(name) !== undefined

/** The one gateway that the caller is. Of two nobody could say which header counts. */
const gatewayAmong = async (
  all: readonly PreparedGateway[],
  call: GatewayCall,
  caller: Caller,
  now: Instant,
): Promise<PreparedGateway | undefined> => {
  const proven = await Promise.all(all.map(({ isCaller }) => isCaller(call, caller, now)))
  const [gateway, another] = all.filter((_, at) => proven[at])
  if (gateway !== undefined && another !== undefined)
    throw new Refusal('certificate.header_conflict', `the caller is both ${gateway.name} and ${another.name}`)
  return gateway
}

const onConnections = new WeakMap<object, PresentedCertificate>()

/** The certificate of the connection, the same object for all of its requests. */
const overTls = async ({ chain }: Caller, digest: Digest): Promise<PresentedCertificate | undefined> => {
  if (chain === undefined) return undefined
  const known = onConnections.get(chain)
  if (known !== undefined) return known
  const presented = heldBy({ chain, thumbprint: await digest.sha256OfBytes(chain[0]), via: 'tls' })
  onConnections.set(chain, presented)
  return presented
}

const statedBy = (gateway: PreparedGateway, call: GatewayCall): Statement | undefined => {
  const stated = asRefused(gateway, () => gateway.read((name) => call.header(name)))
  if (stated === 'none') return undefined
  if (stated === 'unverified')
    throw new Refusal('certificate.unverified', `the gateway ${gateway.name} does not say that it verified it`)
  return stated
}

const certificateOf = async (
  { chain, leaf }: Statement,
  gateway: PreparedGateway,
  digest: Digest,
): Promise<PresentedCertificate> => {
  const [certificate] = asRefused(gateway, () => chain.map(parseCertificate))
  const thumbprint = await digest.sha256OfBytes(chain[0])
  if (leaf !== undefined && (certificate === undefined || !isTrueOf(leaf, certificate, thumbprint)))
    throw new Refusal('certificate.header_malformed', `${gateway.name}: what is said of the certificate is not in it`)
  return heldBy({ chain, thumbprint, via: { gateway: gateway.name } })
}

const isTrueOf = (stated: LeafDetails, certificate: Certificate, thumbprint: string): boolean => {
  const { uri, dns } = alternativeNames(certificate)
  return (
    stated.thumbprint === thumbprint &&
    (stated.uris === undefined || areSame(stated.uris, uri)) &&
    (stated.dnsNames === undefined || areSame(stated.dnsNames, dns))
  )
}

/** Each as often as the other has it, in whatever order. */
const areSame = (some: readonly string[], others: readonly string[]): boolean =>
  JSON.stringify(some.toSorted()) === JSON.stringify(others.toSorted())

const asRefused = <T>(gateway: PreparedGateway, read: () => T): T => {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new Refusal('certificate.header_malformed', `${gateway.name}: ${cause.message}`, { cause })
  }
}
