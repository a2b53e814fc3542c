import * as z from 'zod'
import { encodeBase64url } from '../base64url.ts'
import { FormatError } from '../format-error.ts'
import {
  boundedField,
  type CertificateHeaders,
  type Chain,
  chainOf,
  fieldName,
  type LeafDetails,
  maxChainField,
  soleOf,
} from './certificate-headers.ts'
import { certificatesInHeaderPem } from './header-pem.ts'
import { decodePercent } from './percent-encoding.ts'
import { type XfccElement, xfccElements } from './xfcc-elements.ts'

const schema = z.strictObject({
  header: fieldName('x-forwarded-client-cert'),
  by: z
    .string()
    .min(1)
    .max(2_048)
    .optional()
    .meta({
      description: "The URI in the proxy's own certificate, which `By` must name.",
      examples: ['spiffe://prod.example.org/gateway'],
    }),
  trustedHops: z.int().min(1).max(16).optional().meta({
    description:
      'Which element counts, from the right: 1 is what the calling proxy added. Without it there must be one element.',
  }),
})

type Config = z.output<typeof schema>

/**
 * Envoy and Istio: `x-forwarded-client-cert`. The certificate itself must be in it, and its hash: a name that a proxy
 * merely states cannot be verified here.
 */
export const envoyXfcc: CertificateHeaders<Config> = {
  kind: 'envoy-xfcc',
  schema,
  carriers: ({ header }) => [header],
  read(field, config) {
    const value = boundedField(field, config.header, maxChainField)
    if (value === undefined) return 'none'
    const element = elementThatCounts(xfccElements(value), config.trustedHops)
    if (config.by !== undefined && !element.by.includes(config.by))
      throw new FormatError('By does not name the proxy that is configured')
    return { chain: chainIn(element), leaf: detailsIn(element) }
  },
}

/** Elements further left were said by others, the client among them; the first is never one to believe. */
const elementThatCounts = (elements: readonly XfccElement[], trustedHops: number | undefined): XfccElement => {
  if (trustedHops === undefined && elements.length > 1)
    throw new FormatError('there is more than one element; the proxy must replace the header (SANITIZE_SET)')
  const element = elements.at(-(trustedHops ?? 1))
  if (element === undefined) throw new FormatError('there are fewer elements than trusted proxies')
  return element
}

const once = (values: readonly string[], key: string): string | undefined => {
  if (values.length > 1) throw new FormatError(`${key} stands twice`)
  return values[0]
}

const chainIn = ({ cert, chain }: XfccElement): Chain => {
  const [leafText, chainText] = [once(cert, 'Cert'), once(chain, 'Chain')]
  const leaf = leafText === undefined ? undefined : soleOf(pemIn(leafText))
  if (chainText === undefined) {
    if (leaf === undefined) throw new FormatError('there is no Cert; the proxy must add it (cert: true)')
    return leaf
  }
  const whole = chainOf(pemIn(chainText))
  if (leaf !== undefined && !isSame(leaf[0], whole[0])) throw new FormatError('Chain does not begin with Cert')
  return whole
}

const pemIn = (text: string): readonly Uint8Array[] => certificatesInHeaderPem(decodePercent(text), '\n')

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((octet, at) => octet === b[at])

const detailsIn = ({ hash, subject, uri, dns }: XfccElement): LeafDetails => {
  once(subject, 'Subject')
  const stated = (names: readonly string[]) => names.filter((name) => name !== '')
  return {
    thumbprint: thumbprintOf(once(hash, 'Hash')),
    ...(uri.length === 0 ? {} : { uris: stated(uri) }),
    ...(dns.length === 0 ? {} : { dnsNames: stated(dns) }),
  }
}

/** Envoy writes the SHA-256 of the DER in lower-case hexadecimal. */
const thumbprintOf = (hash: string | undefined): string => {
  if (hash === undefined || !/^[0-9a-f]{64}$/.test(hash)) throw new FormatError('Hash is not a SHA-256')
  return encodeBase64url(Uint8Array.from(hash.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16)))
}
