import * as z from 'zod'
import type { Seconds } from '../domain/time.ts'
import { isSecure } from '../formats/secure-url.ts'
import { duration, durationWithin, name, secretReference, url } from '../formats/settings.ts'
import { xmlSignatureAlgorithms } from '../formats/xml/signature.ts'

const text = z.string().min(1).max(2_048)
const list = (what: z.ZodType<string>) => z.array(what).min(1)

const defaultAlgorithms = xmlSignatureAlgorithms.filter((algorithm) => !algorithm.startsWith('rsa-pss'))

const attribute = z.union([
  text.meta({ description: 'The Name of an attribute that has one value.' }),
  z.strictObject({
    name: text.meta({ description: 'The Name of the attribute.' }),
    list: z.boolean().default(false).meta({ description: 'Whether the alias is always a list. Default false.' }),
  }),
])

/** `source.saml` of a trust map: which identity provider is believed, for whom its assertions must be, how strictly. */
export const samlSchema = z
  .strictObject({
    entityID: text.meta({
      description: 'The identity provider, exactly as its assertions say it in Issuer.',
      examples: ['https://idp.example.com/saml'],
    }),
    metadataURL: url.optional().meta({ description: 'Where its metadata lies: fetched, and again as it goes stale.' }),
    metadataFile: text.optional().meta({ description: 'A file with its metadata, relative to the documents.' }),
    certificates: list(text)
      .optional()
      .meta({ description: 'PEM files with its signing certificates, where there is no metadata.' }),
    metadataCertificates: list(text).optional().meta({
      description: 'PEM files: the metadata itself must be signed under one of these certificates.',
    }),
    audiences: list(text).meta({
      description: 'An assertion must be meant for one of these: what the identity provider knows us by.',
      examples: [['https://dragoman.example.com']],
    }),
    recipient: z
      .union([text, list(text)])
      .optional()
      .meta({
        description: 'The Recipient that assertions must name. Default: our token endpoint.',
      }),
    algorithms: z
      .array(z.enum(xmlSignatureAlgorithms))
      .min(1)
      .default(defaultAlgorithms)
      .meta({ description: 'The signature algorithms that are accepted.' }),
    clockSkew: durationWithin(1, 300, 'at most 5m')
      .default(60)
      .meta({ description: 'How far the clocks may be apart. Default 60s.' }),
    maxAge: duration.optional().meta({ description: 'Refuse assertions issued longer ago than this.' }),
    maxLifetime: duration
      .default(86_400)
      .meta({ description: 'Refuse assertions valid for longer than this. Default 24h.' }),
    oneTimeUse: z.boolean().default(false).meta({
      description: 'Take every assertion once only. Those that ask for it by OneTimeUse are taken once in any case.',
    }),
    decryptionKey: z
      .union([secretReference, z.array(secretReference).min(1).max(4)])
      .optional()
      .meta({
        description: 'Our RSA private key, PKCS #8 in PEM, for assertions and names that are encrypted to us.',
      }),
    attributes: z
      .record(z.string().regex(/^[a-z][A-Za-z0-9_]{0,63}$/, 'a short name: letters, digits and _'), attribute)
      .default({})
      .meta({
        description: 'Short names for attributes, by which rules read them as claims.',
        examples: [{ upn: 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn' }],
      }),
    staleKeys: duration.default(3_600).meta({
      description: 'The outage budget: how long known keys stay in use while the metadata cannot be had. Default 1h.',
    }),
    allowHosts: list(text)
      .optional()
      .meta({ description: 'Hosts that may be asked although they have private addresses.' }),
    clients: list(name).optional().meta({ description: 'Only these Clients may present assertions of this source.' }),
  })
  .meta({ description: 'A SAML 2.0 identity provider.' })

export type SamlConfig = z.output<typeof samlSchema>

/** What claims are called that every assertion has; no alias may take their place. */
export const ownClaims: readonly string[] = [
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'auth_time',
  'acr',
  'name_id',
  'session_index',
  'session_exp',
  'attributes',
  'proxy_restriction',
]

/** What is wrong with `config` that its schema cannot say. */
export const lintSaml = (config: SamlConfig, { insecureLoopback }: { readonly insecureLoopback: boolean }) => [
  ...placeFaults(config),
  ...(config.metadataURL === undefined || isSecure(config.metadataURL, insecureLoopback)
    ? []
    : [
        {
          path: 'metadataURL',
          message: `${config.metadataURL} is not https`,
          fix: 'use https; plain http to this machine is possible under `dragoman dev` only',
        },
      ]),
  ...Object.keys(config.attributes)
    .filter((alias) => ownClaims.includes(alias))
    .map((alias) => ({
      path: `attributes.${alias}`,
      message: `${alias} is what the assertion itself says`,
      fix: 'choose another short name',
    })),
]

const placeFaults = ({ metadataURL, metadataFile, certificates, metadataCertificates }: SamlConfig) => {
  const places = [metadataURL, metadataFile, certificates].filter((place) => place !== undefined)
  if (places.length !== 1)
    return [
      {
        path: '',
        message: 'name exactly one of metadataURL, metadataFile, certificates',
        fix: 'metadataURL: https://…',
      },
    ]
  return certificates !== undefined && metadataCertificates !== undefined
    ? [{ path: 'metadataCertificates', message: 'there is no metadata to check', fix: 'leave it out' }]
    : []
}

/** The Recipients that `config` accepts, where `ours` are our token endpoints. */
export const recipientsOf = ({ recipient }: SamlConfig, ours: readonly string[]): readonly string[] =>
  recipient === undefined ? ours : [recipient].flat()

/** `maxLifetime` and its kin as the checks need them. */
export interface AssertionLimits {
  readonly skew: Seconds
  readonly maxAge?: Seconds
  readonly maxLifetime: Seconds
}
