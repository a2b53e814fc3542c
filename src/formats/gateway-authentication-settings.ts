import ipaddr from 'ipaddr.js'
import * as z from 'zod'
import { parseSpiffeId } from '../domain/spiffe-id.ts'
import { isPlainAddress } from './ip-address.ts'
import { ifSound, remarked } from './schema-faults.ts'
import { type SecretSlot, secretSlots } from './settings.ts'

/** How a gateway proves who it is. */
export type GatewayAuthentication = ByCertificate | BySecret | ByNetwork

/** By its own client certificate; exactly one of the names is there. */
export interface ByCertificate {
  readonly by: 'mtls'
  readonly trustAnchors: string
  readonly spiffeId?: string | undefined
  readonly uri?: string | undefined
  readonly dns?: string | undefined
  readonly subject?: string | undefined
}

/** By a secret in the header `name`. */
export interface BySecret {
  readonly by: 'secretHeader'
  readonly name: string
  readonly secrets: readonly SecretSlot[]
}

/** By the address that it calls from. */
export interface ByNetwork {
  readonly by: 'network'
  readonly networks: readonly string[]
}

const text = z.string().min(1).max(2_048)

const mtls = z
  .strictObject({
    trustAnchors: z.string().min(1).meta({
      description: "A PEM file with the authorities of the gateway's certificate, relative to the documents.",
    }),
    spiffeId: text
      .refine((id) => parseSpiffeId(id) !== undefined, 'not a SPIFFE ID')
      .optional()
      .meta({
        description: "The SPIFFE ID, which must be the certificate's only URI.",
        examples: ['spiffe://prod.example.org/gateway'],
      }),
    uri: text.optional().meta({ description: 'A URI that the certificate must have as alternative name.' }),
    dns: text.optional().meta({ description: 'A DNS name that the certificate must have as alternative name.' }),
    subject: text.optional().meta({
      description: "The certificate's subject as RFC 4514 writes it, most specific first.",
      examples: ['CN=edge,O=Example'],
    }),
  })
  .superRefine(({ spiffeId, uri, dns, subject }, context) => {
    const named = [spiffeId, uri, dns, subject].filter((name) => name !== undefined)
    if (named.length !== 1)
      context.addIssue(
        remarked({ message: 'name exactly one of spiffeId, uri, dns, subject', fix: 'dns: edge.internal.example' }),
      )
  })
  .meta({ description: 'By its client certificate, over the TLS connection to dragoman itself.' })

/** These say who the client is, not who calls for it. */
const foreignHeaders = new Set(['authorization', 'cookie', 'host', 'content-type', 'content-length'])

const secretHeader = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/, 'the name of a header: letters, digits, hyphens')
      .transform((name) => name.toLowerCase())
      .refine((name) => !foreignHeaders.has(name), 'this header has a meaning of its own; choose another')
      .meta({ description: 'The header in which the gateway sends its secret.', examples: ['x-gateway-secret'] }),
    secrets: secretSlots,
  })
  .meta({ description: 'By a secret that the gateway adds to every request and that no client can see.' })

/** A network, or a single address, in the one spelling that nobody reads differently. */
const network = z
  .string()
  .max(64)
  .superRefine((written, context) => {
    const remark = networkRemark(written)
    if (remark !== undefined) context.addIssue(remarked(remark))
  })
  .meta({ description: 'A network in CIDR notation, or one address.', examples: ['10.0.0.0/24'] })

const networkRemark = (written: string): { readonly message: string; readonly fix?: string } | undefined => {
  const [address = '', prefix, ...more] = written.split('/')
  if (more.length > 0 || !isPlainAddress(address) || (prefix !== undefined && !/^(0|[1-9][0-9]{0,2})$/.test(prefix)))
    return { message: 'not a network or an address', fix: 'for example 10.0.0.0/24' }
  const parsed = ipaddr.parse(address)
  const most = parsed.kind() === 'ipv4' ? 32 : 128
  const bits = prefix === undefined ? most : Number(prefix)
  if (bits > most) return { message: `the prefix is longer than ${most}` }
  if (bits === 0) return { message: 'this is everybody', fix: 'name the network that only the gateway is in' }
  if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress())
    return { message: 'an IPv4 network in the form of IPv6', fix: 'write it as IPv4' }
  const base = baseOf(parsed, bits)
  return base === parsed.toString()
    ? undefined
    : { message: 'this is not where the network begins', fix: `${base}/${bits}` }
}

const baseOf = (address: ipaddr.IPv4 | ipaddr.IPv6, bits: number): string =>
  address instanceof ipaddr.IPv4
    ? ipaddr.IPv4.networkAddressFromCIDR(`${address.toString()}/${bits}`).toString()
    : ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${bits}`).toString()

/** `authenticate` of a Gateway document. */
export const authenticate = z
  .strictObject({
    mtls: mtls.optional(),
    secretHeader: secretHeader.optional(),
    network: z.array(network).min(1).max(64).optional().meta({
      description:
        'By where it calls from. Weak: whoever can send from there is the gateway. X-Forwarded-For is never read.',
    }),
  })
  .refine(
    (ways) => Object.values(ways).filter((way) => way !== undefined).length === 1,
    ifSound('needs exactly one of mtls, secretHeader, network'),
  )
  .transform(({ mtls: byCertificate, secretHeader: bySecret, network: byAddress }): GatewayAuthentication => {
    if (byCertificate !== undefined) return { by: 'mtls', ...byCertificate }
    if (bySecret !== undefined) return { by: 'secretHeader', ...bySecret }
    return { by: 'network', networks: byAddress ?? [] }
  })
  .meta({ description: 'How the gateway proves who it is: exactly one way.' })
