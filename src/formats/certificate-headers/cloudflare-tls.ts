import * as z from 'zod'
import { Refusal } from '../../domain/refusal.ts'
import { FormatError } from '../format-error.ts'
import { type Chain, chainOf } from './certificate-headers.ts'
import { certificateItem, certificateList } from './rfc9440-fields.ts'

const tooLarge = z.union([z.boolean(), z.enum(['0', '1'])]).optional()

/** `request.cf.tlsClientAuth` of a Worker, as far as it is read. Flags are texts; what does not fit is left empty. */
const tlsClientAuthShape = z.object({
  certPresented: z.enum(['0', '1']),
  certVerified: z.string().optional(),
  certRevoked: z.string().optional(),
  certRFC9440: z.string().max(16_384).optional(),
  certRFC9440TooLarge: tooLarge,
  certChainRFC9440: z.string().max(32_768).optional(),
  certChainRFC9440TooLarge: tooLarge,
})

type TlsClientAuth = z.output<typeof tlsClientAuthShape>

/**
 * The certificates that the client of a Cloudflare Worker presented over TLS, from `request.cf.tlsClientAuth`;
 * undefined when it presented none. Cloudflare fills in certificates that it did not find good, so its verdict is
 * asked for first; the path is validated here all the same.
 *
 * @throws Refusal `certificate.unverified`, `certificate.header_malformed`
 */
export const chainOfTlsClientAuth = (tlsClientAuth: unknown): Chain | undefined => {
  if (tlsClientAuth === undefined || tlsClientAuth === null) return undefined
  const read = tlsClientAuthShape.safeParse(tlsClientAuth)
  if (!read.success) throw malformed('tlsClientAuth is not of the known shape')
  if (read.data.certPresented === '0') return undefined
  requireVerified(read.data)
  requireWhole(read.data)
  try {
    const { certRFC9440: leaf = '', certChainRFC9440: others = '' } = read.data
    return chainOf([certificateItem(leaf), ...(others === '' ? [] : certificateList(others))])
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw malformed(`tlsClientAuth: ${cause.message}`, cause)
  }
}

const requireVerified = ({ certVerified, certRevoked }: TlsClientAuth): void => {
  if (certVerified !== 'SUCCESS') throw new Refusal('certificate.unverified', 'certVerified is not SUCCESS')
  if (certRevoked !== '0') throw new Refusal('certificate.unverified', 'certRevoked is not 0')
}

const requireWhole = ({ certRFC9440TooLarge, certChainRFC9440TooLarge }: TlsClientAuth): void => {
  const flags = [certRFC9440TooLarge, certChainRFC9440TooLarge]
  if (flags.includes(true) || flags.includes('1')) throw malformed('the certificate or its chain is too large')
}

const malformed = (detail: string, cause?: unknown) => new Refusal('certificate.header_malformed', detail, { cause })
