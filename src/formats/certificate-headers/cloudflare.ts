import * as z from 'zod'
import { type CertificateHeaders, fieldName, unlessEmpty } from './certificate-headers.ts'
import { leafAndChain } from './rfc9440.ts'

const schema = z.strictObject({ header: fieldName('client-cert'), chainHeader: fieldName('client-cert-chain') })

type Config = z.output<typeof schema>

/**
 * Cloudflare's rules: `cf.tls_client_auth.cert_rfc9440` and `cert_chain_rfc9440` in two headers, empty when there is
 * no certificate or it is too large. Cloudflare fills them whatever it found out about the certificate.
 */
export const cloudflare: CertificateHeaders<Config> = {
  kind: 'cloudflare',
  schema,
  carriers: ({ header, chainHeader }) => [header, chainHeader],
  read: (field, { header, chainHeader }) => leafAndChain(unlessEmpty(field), header, chainHeader),
}
