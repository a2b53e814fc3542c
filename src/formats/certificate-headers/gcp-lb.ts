import * as z from 'zod'
import { type CertificateHeaders, fieldName, isGood, unlessEmpty, verdictField } from './certificate-headers.ts'
import { leafAndChain } from './rfc9440.ts'

const verified = 'true'

const schema = z.strictObject({
  header: fieldName('x-client-cert-leaf'),
  chainHeader: fieldName('x-client-cert-chain'),
  verifyHeader: verdictField('{client_cert_chain_verified}', verified),
})

type Config = z.output<typeof schema>

/**
 * Google Cloud load balancers: custom headers with `{client_cert_leaf}` and `{client_cert_chain}`, both in the form of
 * RFC 9440 and empty when there is no certificate.
 */
export const gcpLb: CertificateHeaders<Config> = {
  kind: 'gcp-lb',
  schema,
  carriers: ({ header, chainHeader }) => [header, chainHeader],
  read(field, { header, chainHeader, verifyHeader }) {
    const stated = leafAndChain(unlessEmpty(field), header, chainHeader)
    return stated === 'none' || isGood(field, verifyHeader, verified) ? stated : 'unverified'
  },
}
