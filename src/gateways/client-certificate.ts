import type { Caller } from '../domain/caller.ts'
import { heldBy, type PresentedCertificate } from '../domain/presented-certificate.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import type { Trace } from '../domain/trace.ts'
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
import type { Dialect, Question } from './dialect.ts'
import { type GatewayCall, type GatewayProof, type GatewayTools, prepareProof } from './gateway-authentication.ts'
import { type Decisions, prepareDecisions } from './gateway-decisions.ts'
import { type Departures, prepareDepartures } from './gateway-departures.ts'

/** A Gateway document, made ready. */
export interface PreparedGateway extends GatewayProof {
  readonly name: string
  /** The header fields that it states certificates in. */
  readonly carriers: readonly string[]
  /** What it states in them; absent: it states none. Throws a FormatError. */
  readonly read?: (field: GatewayCall['header']) => Stated
  /** How its questions are decided; absent: it may ask none. */
  readonly decisions?: Decisions
  /** How it asks for the credentials of partners; absent: it may not. */
  readonly departures?: Departures
}

/** A gateway that may ask. */
export type OpenGateway = PreparedGateway & { readonly decisions: Decisions }

/** A gateway that may ask for the credentials of partners. */
export type DepartureGateway = PreparedGateway & { readonly departures: Departures }

/** Who asks: the name of a gateway, and the call by which it proves to be the one. */
export interface Asker {
  readonly gateway: string
  readonly call: GatewayCall
  readonly caller: () => Caller
}

/** All gateways of the documents, and the header fields that belong to none of them or to another. */
export interface Gateways {
  readonly all: readonly PreparedGateway[]
  /** Those that may ask, by their names. */
  readonly open: ReadonlyMap<string, OpenGateway>
  /** Those that may ask for the credentials of partners, by their names. */
  readonly outward: ReadonlyMap<string, DepartureGateway>
  /** Every field that some dialect or some gateway states certificates in, and its twin with underscores. */
  readonly carriers: readonly string[]
}

/**
 * Makes a Gateway document ready.
 *
 * @throws Error that says what is missing
 */
export const prepareGateway = async (
  { name, authenticate, certificateFrom, decisions, departures }: GatewayRegistration,
  kinds: {
    readonly certificateHeaders: readonly AnyCertificateHeaders[]
    readonly dialects: readonly Dialect[]
    readonly insideSources: readonly string[]
  },
  tools: GatewayTools,
): Promise<PreparedGateway> => {
  const statement =
    certificateFrom === undefined ? { carriers: [] } : prepareStatement(certificateFrom, kinds.certificateHeaders)
  const gateway = { name, ...(await prepareProof(authenticate, tools)), ...statement }
  return {
    ...gateway,
    ...(decisions && { decisions: prepareDecisions(gateway, decisions, kinds.dialects) }),
    ...(departures && {
      departures: prepareDepartures(gateway, departures, {
        ...kinds,
        allCarriers: usualCarriers(kinds.certificateHeaders),
      }),
    }),
  }
}

const prepareStatement = (
  { kind, config }: NonNullable<GatewayRegistration['certificateFrom']>,
  all: readonly AnyCertificateHeaders[],
): Pick<PreparedGateway, 'carriers'> & Required<Pick<PreparedGateway, 'read'>> => {
  const headers = all.find((one) => one.kind === kind)
  if (headers === undefined) throw new Error(`no certificate header of the kind ${kind}`)
  return { carriers: headers.carriers(config), read: (field) => headers.read(field, config) }
}

/** The fields in which `dialects` are usually spoken. */
const usualCarriers = (dialects: readonly AnyCertificateHeaders[]): readonly string[] =>
  dialects.flatMap((dialect) => [...dialect.carriers(dialect.schema.parse({})), ...(dialect.otherCarriers ?? [])])

/** All gateways together. The fields in which `dialects` are usually spoken are known even where nobody uses them. */
export const gatewaysOf = (all: readonly PreparedGateway[], dialects: readonly AnyCertificateHeaders[]): Gateways => {
  const names = [...usualCarriers(dialects), ...all.flatMap(({ carriers }) => carriers)]
  const open = all.flatMap((gateway) => (isOpen(gateway) ? [[gateway.name, gateway] as const] : []))
  return {
    all,
    open: new Map(open),
    outward: new Map(all.flatMap((gateway) => (isOutward(gateway) ? [[gateway.name, gateway] as const] : []))),
    carriers: [...new Set(names.flatMap((name) => [name, name.replaceAll('-', '_')]))],
  }
}

const isOpen = (gateway: PreparedGateway): gateway is OpenGateway => gateway.decisions !== undefined
const isOutward = (gateway: PreparedGateway): gateway is DepartureGateway => gateway.departures !== undefined

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
  const field: Field = (name) => call.header(name)
  if (gateway !== undefined) return certificateStatedBy(gateway, { field }, gateways, digest)
  const stray = gateways.carriers.find((name) => field(name) !== undefined)
  if (stray !== undefined) throw new Refusal('certificate.header_untrusted', `${stray} came from no gateway`)
  return overTls(caller, digest)
}

type Field = Question['field']

/**
 * The certificate of the client whose request a gateway passes on or asks about. The gateway has proven who it is.
 *
 * @throws Refusal `certificate.*`
 */
export const certificateStatedBy = async (
  gateway: PreparedGateway,
  request: Pick<Question, 'field' | 'certificate'>,
  { carriers }: Pick<Gateways, 'carriers'>,
  digest: Digest,
): Promise<PresentedCertificate | undefined> => {
  const stray = carriers.find((name) => !gateway.carriers.includes(name) && request.field(name) !== undefined)
  if (stray !== undefined)
    throw new Refusal('certificate.header_conflict', `${stray} is not the header of the gateway ${gateway.name}`)
  const stated = statedBy(gateway, request)
  return stated === undefined ? undefined : certificateOf(stated, gateway, digest)
}

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

/**
 * The gateway that asks, among `gateways`, which has proven to be the one. It stands in the trace as the client.
 *
 * @throws Refusal `gateway.*`, `keys.unavailable`
 */
export const admitted = async <G extends PreparedGateway>(
  { gateway: name, call, caller }: Asker,
  gateways: ReadonlyMap<string, G>,
  now: Instant,
  trace: Trace,
): Promise<G> => {
  const gateway = await provenGateway(name, call, caller(), gateways, now)
  trace.client = gateway.name
  trace.clientMethod = 'gateway'
  return gateway
}

/**
 * The gateway `name` among `gateways`, which the caller has proven to be. Who cannot prove it hears the same as who names
 * none.
 *
 * @throws Refusal `gateway.unknown`, `gateway.unproven`, `keys.unavailable`
 */
const provenGateway = async <G extends PreparedGateway>(
  name: string,
  call: GatewayCall,
  caller: Caller,
  gateways: ReadonlyMap<string, G>,
  now: Instant,
): Promise<G> => {
  const gateway = gateways.get(name)
  if (gateway === undefined) throw new Refusal('gateway.unknown', 'no Gateway of this name may ask')
  if (!(await gateway.isCaller(call, caller, now)))
    throw new Refusal('gateway.unproven', `the caller has not proven to be ${name}`)
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

const statedBy = (
  gateway: PreparedGateway,
  request: Pick<Question, 'field' | 'certificate'>,
): Statement | undefined => {
  const stated = asRefused(gateway, () => gateway.read?.(request.field) ?? request.certificate?.() ?? 'none')
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
