import * as z from 'zod'
import {
  boundedField,
  type CertificateHeaders,
  chainOf,
  maxChainField,
  maxLeafField,
  optionalFieldName,
  soleOf,
} from './certificate-headers.ts'
import { certificatesInHeaderPem } from './header-pem.ts'
import { decodePercent } from './percent-encoding.ts'

const usual = { verify: 'x-amzn-mtls-clientcert-leaf', passthrough: 'x-amzn-mtls-clientcert' } as const

const schema = z
  .strictObject({
    mode: z.enum(['verify', 'passthrough']).default('verify').meta({
      description: 'How the listener does mutual TLS. In passthrough nobody but dragoman verifies the chain.',
    }),
    header: optionalFieldName.optional().meta({
      description: 'The header that the load balancer is configured to use, if not the usual one of the mode.',
      examples: [usual.verify],
    }),
  })
  .transform(({ mode, header = usual[mode] }) => ({ mode, header }))

type Config = z.output<typeof schema>

/**
 * AWS Application Load Balancer: percent-encoded PEM in which `+`, `=` and `/` stand for themselves; the leaf alone
 * when the listener verifies, the whole chain, leaf first, when it passes everything through.
 */
export const awsAlb: CertificateHeaders<Config> = {
  kind: 'aws-alb',
  schema,
  carriers: ({ header }) => [header],
  otherCarriers: Object.values(usual),
  read(field, { mode, header }) {
    const value = boundedField(field, header, mode === 'verify' ? maxLeafField : maxChainField)
    if (value === undefined) return 'none'
    const certificates = certificatesInHeaderPem(decodePercent(value), '\n')
    return { chain: mode === 'verify' ? soleOf(certificates) : chainOf(certificates) }
  },
}
