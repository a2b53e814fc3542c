import { certificateHeaders } from '../catalog.ts'

/** Client certificates as each kind of gateway would state them, made up by a client. */

/** The fields of one dialect, as it uses them unless it is set up otherwise. */
export interface DialectFields {
  readonly kind: string
  readonly carriers: readonly string[]
}

export const dialectFields: readonly DialectFields[] = certificateHeaders.map((dialect) => {
  const usual = dialect.carriers(dialect.schema.parse({}))
  return { kind: dialect.kind, carriers: [...new Set([...usual, ...(dialect.otherCarriers ?? [])])] }
})

/** Beside the certificate of nginx: that it was found good. */
const verdictField = 'ssl-client-verify'

/** Every field that tells of client certificates, lower-case. */
export const certificateFields: readonly string[] = [
  ...new Set([...dialectFields.flatMap(({ carriers }) => carriers), verdictField]),
]

const begin = '-----BEGIN CERTIFICATE-----'
const end = '-----END CERTIFICATE-----'

const bare = (base64: string): string => base64
const item = (base64: string): string => `:${base64}:`
const spacedPem = (base64: string): string => `${begin} ${base64} ${end}`
const escapedPem = (base64: string): string => encodeURIComponent(`${begin}\n${base64}\n${end}\n`)
const element = (base64: string): string => `Hash=${'0'.repeat(64)};Cert="${escapedPem(base64)}";Subject="CN=doctor"`

/** How each dialect spells a certificate: around base64 of what is none, for gateways do not look. */
const spellings: Readonly<Record<string, (base64: string) => string>> = {
  apache: spacedPem,
  'aws-alb': escapedPem,
  'azure-appgw': escapedPem,
  'azure-arr': bare,
  cloudflare: item,
  'envoy-xfcc': element,
  'gcp-lb': item,
  haproxy: bare,
  nginx: escapedPem,
  rfc9440: item,
  traefik: bare,
}

/**
 * The lines of a client that says that it has shown a certificate. They are known again by `mark`, letters and digits,
 * which stands in the base64 as it is.
 */
export const certificateLines = ({ kind, carriers }: DialectFields, mark: string): readonly string[] => {
  const spell = spellings[kind] ?? bare
  return [
    ...carriers.map((name) => `${name}: ${spell(`MIIB${mark}AAAA`)}`),
    ...(kind === 'nginx' ? [`${verdictField}: SUCCESS ${mark}`] : []),
  ]
}
