import * as z from 'zod'
import {
  boundedField,
  type CertificateHeaders,
  fieldName,
  isGood,
  maxLeafField,
  soleOf,
  unlessEmpty,
  verdictField,
} from './certificate-headers.ts'
import { certificatesInHeaderPem } from './header-pem.ts'
import { decodePercent } from './percent-encoding.ts'

const verified = 'SUCCESS'

const schema = z.strictObject({
  header: fieldName('x-client-cert'),
  encoding: z
    .enum(['percent', 'spaces'])
    .default('percent')
    .meta({ description: 'How the line breaks of the PEM arrive: percent-encoded like all of it, or as spaces.' }),
  verifyHeader: verdictField('{var_client_certificate_verification}', verified),
})

type Config = z.output<typeof schema>

/** Azure Application Gateway: PEM from the server variable `client_certificate`, by a rewrite rule. */
export const azureAppgw: CertificateHeaders<Config> = {
  kind: 'azure-appgw',
  schema,
  carriers: ({ header }) => [header],
  read(field, { header, encoding, verifyHeader }) {
    const value = boundedField(unlessEmpty(field), header, maxLeafField)
    if (value === undefined) return 'none'
    if (!isGood(field, verifyHeader, verified)) return 'unverified'
    const certificates =
      encoding === 'percent' ? certificatesInHeaderPem(decodePercent(value), '\n') : certificatesInHeaderPem(value, ' ')
    return { chain: soleOf(certificates) }
  },
}
