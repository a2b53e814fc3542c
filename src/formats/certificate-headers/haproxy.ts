import * as z from 'zod'
import { decodeBase64 } from '../base64.ts'
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

const verified = '0'

const schema = z.strictObject({
  header: fieldName('x-ssl-client-cert'),
  verifyHeader: verdictField('%[ssl_c_verify]', verified),
})

type Config = z.output<typeof schema>

/**
 * HAProxy: `%[ssl_c_der,base64]`, bare or between colons as RFC 9440 has it, empty when there is no certificate; and
 * `%[ssl_c_verify]` where `crt-ignore-err` lets through what was not verified.
 */
export const haproxy: CertificateHeaders<Config> = {
  kind: 'haproxy',
  schema,
  carriers: ({ header }) => [header],
  read(field, { header, verifyHeader }) {
    const value = boundedField(unlessEmpty(field), header, maxLeafField)
    if (value === undefined) return 'none'
    if (!isGood(field, verifyHeader, verified)) return 'unverified'
    const hasColons = value.length > 2 && value.startsWith(':') && value.endsWith(':')
    return { chain: soleOf([decodeBase64(hasColons ? value.slice(1, -1) : value)]) }
  },
}
