import ipaddr from 'ipaddr.js'
import type { Caller } from '../domain/caller.ts'
import type { Instant } from '../domain/time.ts'
import { FormatError } from '../formats/format-error.ts'
import type {
  ByCertificate,
  ByNetwork,
  BySecret,
  GatewayAuthentication,
} from '../formats/gateway-authentication-settings.ts'
import type { Certificate } from '../formats/x509/certificate.ts'
import { alternativeNames } from '../formats/x509/claims.ts'
import { parsedChain, unlessRefused } from '../formats/x509/connection-chain.ts'
import { hasName } from '../formats/x509/leaf-name.ts'
import { PathError, validatePath } from '../formats/x509/path.ts'
import type { Ports } from '../ports/ports.ts'
import type { Watched } from '../sources/kept-fresh.ts'
import { openSecretSlots } from '../sources/secret-slots.ts'
import { openTrustAnchors, type TrustAnchors } from '../sources/trust-anchors.ts'

/** A request, as far as a gateway proves itself with it. */
export interface GatewayCall {
  /** A header field by its lower-case name; of several with one name, the values joined by `, `. */
  header(name: string): string | undefined
}

/**
 * Is the caller the gateway? Who cannot prove it is not. Throws a Refusal `keys.unavailable` when that cannot be judged
 * because the authorities are gone.
 */
export type IsGateway = (call: GatewayCall, caller: Caller, now: Instant) => Promise<boolean>

/** What is needed to make a gateway's authentication ready, and to judge it. */
export type GatewayTools = Pick<Ports, 'clock' | 'files' | 'log' | 'secrets' | 'digest' | 'certificateSignatures'>

/** How a gateway proves who it is, made ready. */
export interface GatewayProof {
  readonly isCaller: IsGateway
  /** The authorities that are read again as time goes by. */
  readonly watched: readonly Watched[]
}

/**
 * Makes the proof of a gateway ready: reads its secrets and authorities.
 *
 * @throws Error that says what is missing
 */
export const prepareProof = async (config: GatewayAuthentication, tools: GatewayTools): Promise<GatewayProof> => {
  if (config.by === 'network') return { isCaller: addressProof(config), watched: [] }
  if (config.by === 'secretHeader') return { isCaller: await secretProof(config, tools), watched: [] }
  const anchors = await openTrustAnchors([config.trustAnchors], tools)
  return { isCaller: certificateProof(config, anchors, tools), watched: [anchors] }
}

const maxSecretLength = 1_024

const secretProof = async ({ name, secrets }: BySecret, tools: GatewayTools): Promise<IsGateway> => {
  const isKnown = await openSecretSlots(secrets, tools)
  return (call) => {
    const value = call.header(name)
    return value === undefined || value.length > maxSecretLength ? Promise.resolve(false) : isKnown(value)
  }
}

/** The address of the socket and nothing else: headers that name an address are whatever their sender writes. */
const addressProof = ({ networks }: ByNetwork): IsGateway => {
  const ranges = networks.map((network) => ipaddr.parseCIDR(network.includes('/') ? network : hostRange(network)))
  return async (_call, { address }) => {
    if (address === undefined || !isSocketAddress(address)) return false
    const parsed = ipaddr.process(address)
    return ranges.some(([base, bits]) => base.kind() === parsed.kind() && parsed.match(base, bits))
  }
}

/** What a socket says: no zone, no octal; and `::10.0.0.5`, which the library takes for `10.0.0.5`, is another address. */
const isSocketAddress = (address: string): boolean =>
  ipaddr.IPv4.isValidFourPartDecimal(address) ||
  (/^(?!::[0-9]+\.)[0-9A-Fa-f:.]+$/.test(address) && ipaddr.IPv6.isValid(address))

const hostRange = (address: string): string => `${address}/${address.includes(':') ? 128 : 32}`

const certificateProof =
  (config: ByCertificate, authorities: TrustAnchors, { certificateSignatures }: GatewayTools): IsGateway =>
  async (_call, { chain }, now) => {
    if (chain === undefined) return false
    const anchors = await authorities.current(now)
    try {
      const [leaf, ...intermediates] = parsedChain(chain)
      if (!isNamed(leaf, config)) return false
      const request = { leaf, intermediates, anchors, at: now, extendedKeyUsage: 'clientAuth' } as const
      await unlessRefused(leaf, anchors, now, () => validatePath(request, certificateSignatures))
      return true
    } catch (cause) {
      if (cause instanceof FormatError || cause instanceof PathError) return false
      throw cause
    }
  }

/** A SPIFFE ID is the only URI of its certificate, or none at all (X509-SVID section 2). */
const isNamed = (leaf: Certificate, { spiffeId, uri, dns, subject }: ByCertificate): boolean => {
  if (spiffeId !== undefined) return alternativeNames(leaf).uri.length === 1 && hasName(leaf, ['uri', spiffeId])
  if (uri !== undefined) return hasName(leaf, ['uri', uri])
  if (dns !== undefined) return hasName(leaf, ['dns', dns])
  return subject !== undefined && hasName(leaf, ['subject', subject])
}
