import * as z from 'zod'
import { FormatError } from '../format-error.ts'
import { boundedField, type CertificateHeaders, fieldName, maxLeafField, soleOf } from './certificate-headers.ts'
import { certificatesInHeaderPem } from './header-pem.ts'
import { decodePercent } from './percent-encoding.ts'

const schema = z.strictObject({ header: fieldName('ssl-client-cert'), verifyHeader: fieldName('ssl-client-verify') })

type Config = z.output<typeof schema>

/**
 * nginx and ingress-nginx: `$ssl_client_escaped_cert`, which is percent-encoded PEM of the leaf, and
 * `$ssl_client_verify`. With `ssl_verify_client optional_no_ca` nginx passes on what it has not verified, so nothing
 * counts without the word SUCCESS.
 */
export const nginx: CertificateHeaders<Config> = {
  kind: 'nginx',
  schema,
  carriers: ({ header }) => [header],
  read(field, { header, verifyHeader }) {
    const value = boundedField(field, header, maxLeafField)
    const verified = field(verifyHeader)
    if (value === undefined) {
      if (verified !== undefined && verified !== 'NONE') throw new FormatError(`${verifyHeader} came without ${header}`)
      return 'none'
    }
    if (verified !== 'SUCCESS') return 'unverified'
    return { chain: soleOf(certificatesInHeaderPem(decodePercent(value), '\n')) }
  },
}
