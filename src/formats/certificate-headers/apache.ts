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

const verified = 'SUCCESS'

const schema = z.strictObject({
  header: fieldName('ssl-client-cert'),
  verifyHeader: verdictField('%{SSL_CLIENT_VERIFY}s', verified),
})

type Config = z.output<typeof schema>

/** What mod_headers writes for a variable that is not set. */
const unset = '(null)'

/** Apache httpd: `%{SSL_CLIENT_CERT}s`, which is PEM with a space in place of each line break. */
export const apache: CertificateHeaders<Config> = {
  kind: 'apache',
  schema,
  carriers: ({ header }) => [header],
  read(field, { header, verifyHeader }) {
    const value = boundedField(unlessEmpty(field), header, maxLeafField)
    if (value === undefined || value === unset) return 'none'
    if (!isGood(field, verifyHeader, verified)) return 'unverified'
    return { chain: soleOf(certificatesInHeaderPem(value, ' ')) }
  },
}
