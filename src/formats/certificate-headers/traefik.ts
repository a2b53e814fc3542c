import * as z from 'zod'
import { decodeBase64 } from '../base64.ts'
import { FormatError } from '../format-error.ts'
import { boundedField, type CertificateHeaders, chainOf, fieldName, maxChainField } from './certificate-headers.ts'

const schema = z.strictObject({ header: fieldName('x-forwarded-tls-client-cert') })

type Config = z.output<typeof schema>

/** More commas than this are not looked at one by one. */
const maxParts = 16

/**
 * Traefik's `passTLSClientCert` with `pem: true`: base64 DER, the chain joined by commas, the leaf first. A repeated
 * field is joined by a comma and a space, and is refused.
 */
export const traefik: CertificateHeaders<Config> = {
  kind: 'traefik',
  schema,
  carriers: ({ header }) => [header],
  read(field, { header }) {
    const value = boundedField(field, header, maxChainField)
    if (value === undefined) return 'none'
    const parts = value.split(',', maxParts + 1)
    if (parts.length > maxParts) throw new FormatError('there are too many certificates')
    return { chain: chainOf(parts.map(decodeBase64)) }
  },
}
