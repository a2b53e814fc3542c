import ipaddr from 'ipaddr.js'

/** Is it an IPv4 address in four decimal parts, or an IPv6 address in hexadecimal, with no zone? */
export const isPlainAddress = (address: string): boolean =>
  ipaddr.IPv4.isValidFourPartDecimal(address) || (/^[0-9A-Fa-f:]+$/.test(address) && ipaddr.IPv6.isValid(address))

/** The one spelling of a plain address: dotted decimal, or RFC 5952. */
export const canonicalAddress = (address: string): string | undefined =>
  isPlainAddress(address) ? ipaddr.parse(address).toString() : undefined
