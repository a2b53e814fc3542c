import ipaddr from 'ipaddr.js'

/**
 * What lies behind a network address.
 * `public`: reachable by anyone. `loopback`: this machine. `private`: a network of the deployment's own.
 * `never`: nothing that keys or tokens could honestly come from, whatever a document allows.
 */
export type Reach = 'public' | 'loopback' | 'private' | 'never'

type Range = readonly [network: string, prefix: number]

/** Where clouds answer machines with credentials. Link-local ones fall under `never` anyway. */
const metadataServices: readonly Range[] = [
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['fd00:ec2::', 32],
  ['fd20:ce::254', 128],
]

const globalUnicast: Range = ['2000::', 3]
const nat64: Range = ['64:ff9b::', 96]

const reachOfRange: ReadonlyMap<string, Reach> = new Map([
  ['unicast', 'public'],
  ['loopback', 'loopback'],
  ['private', 'private'],
  ['carrierGradeNat', 'private'],
  ['uniqueLocal', 'private'],
])

/** The library reads `::8.8.8.8` as if it were `::ffff:8.8.8.8`, which is another address. */
const isIPv4Compatible = /^::[0-9]+\./

/**
 * Classifies an IP address by the special-purpose registries (RFC 6890). An IPv4-mapped address is judged by the IPv4
 * address within, one behind a translator (RFC 6052) is public or nothing; every other form that carries an IPv4
 * address, and whatever cannot be read, is `never`.
 */
export const reachOf = (address: string): Reach => {
  if (!ipaddr.isValid(address) || isIPv4Compatible.test(address)) return 'never'
  const parsed = ipaddr.parse(address)
  return parsed instanceof ipaddr.IPv4 ? reachOfIPv4(parsed) : reachOfIPv6(parsed)
}

const reachOfIPv4 = (address: ipaddr.IPv4): Reach =>
  isMetadata(address) ? 'never' : (reachOfRange.get(address.range()) ?? 'never')

const reachOfIPv6 = (address: ipaddr.IPv6): Reach => {
  if (address.isIPv4MappedAddress()) return reachOfIPv4(address.toIPv4Address())
  if (isWithin(address, nat64)) return reachOfIPv4(lastFourBytes(address)) === 'public' ? 'public' : 'never'
  const reach = isMetadata(address) ? 'never' : (reachOfRange.get(address.range()) ?? 'never')
  return reach === 'public' && !isWithin(address, globalUnicast) ? 'never' : reach
}

const lastFourBytes = (address: ipaddr.IPv6): ipaddr.IPv4 => new ipaddr.IPv4(address.toByteArray().slice(12))

const isMetadata = (address: ipaddr.IPv4 | ipaddr.IPv6): boolean =>
  metadataServices.some((range) => isWithin(address, range))

const isWithin = (address: ipaddr.IPv4 | ipaddr.IPv6, [network, prefix]: Range): boolean => {
  const base = ipaddr.parse(network)
  return base.kind() === address.kind() && address.match(base, prefix)
}
