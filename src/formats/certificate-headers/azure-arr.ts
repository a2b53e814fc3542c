import * as z from 'zod'
import { decodeBase64 } from '../base64.ts'
import { boundedField, type CertificateHeaders, fieldName, maxLeafField, soleOf } from './certificate-headers.ts'

const schema = z.strictObject({ header: fieldName('x-arr-clientcert') })

type Config = z.output<typeof schema>

/** Azure App Service: base64 DER of the leaf. The platform does not verify it. */
export const azureArr: CertificateHeaders<Config> = {
  kind: 'azure-arr',
  schema,
  carriers: ({ header }) => [header],
  read(field, { header }) {
    const value = boundedField(field, header, maxLeafField)
    return value === undefined ? 'none' : { chain: soleOf([decodeBase64(value)]) }
  },
}
