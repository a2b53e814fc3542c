import * as z from 'zod'
import { trustDomainId } from '../domain/spiffe-id.ts'
import { jwtSvidAlgorithms } from '../formats/jwt-svid.ts'
import { duration, durationWithin, name } from '../formats/settings.ts'
import { lintTrustDomains, trustDomainSchema } from '../formats/trust-domain-settings.ts'

/** The kinds of SVID that are verified here. */
export const svidTypes = ['x509-svid', 'jwt-svid'] as const

const text = z.string().min(1).max(2048)

/** `source.spiffe` of a trust map: which trust domains are believed, by which bundles, and how strictly. */
export const spiffeSchema = z
  .strictObject({
    trustDomains: z
      .array(trustDomainSchema)
      .min(1)
      .max(100)
      .meta({ description: 'The trust domains that are believed, each by its own bundle and for its own SPIFFE IDs.' }),
    types: z
      .array(z.enum(svidTypes))
      .min(1)
      .default([...svidTypes])
      .meta({ description: 'The kinds of SVID that may be presented.' }),
    audiences: z
      .array(text)
      .min(1)
      .optional()
      .meta({
        description: 'A JWT-SVID must be meant for one of these. An X.509-SVID has no audience.',
        examples: [['https://dragoman.example.com']],
      }),
    algorithms: z
      .array(z.enum(jwtSvidAlgorithms))
      .min(1)
      .default([...jwtSvidAlgorithms])
      .meta({ description: 'The signature algorithms that are accepted of JWT-SVIDs.' }),
    clockSkew: durationWithin(1, 300, 'at most 5m')
      .default(60)
      .meta({ description: 'How far the clocks may be apart, for JWT-SVIDs. Default 60s.' }),
    maxLifetime: duration
      .default(86_400)
      .meta({ description: 'Refuse JWT-SVIDs valid for longer than this. Default 24h.' }),
    staleBundles: duration.default(3_600).meta({
      description:
        'The outage budget: how long a known bundle stays in use while its endpoint cannot be reached. Default 1h.',
    }),
    allowHosts: z
      .array(text)
      .min(1)
      .optional()
      .meta({ description: 'Hosts of bundle endpoints that may be asked although they have private addresses.' }),
    clients: z
      .array(name)
      .min(1)
      .optional()
      .meta({ description: 'Only these Clients may present SVIDs of this source.' }),
  })
  .meta({ description: 'Workloads by their SPIFFE identity: X.509-SVIDs and JWT-SVIDs.' })

export type SpiffeConfig = z.output<typeof spiffeSchema>

/** Each trust domain as the issuer of its SVIDs. */
export const issuersOfSpiffe = (config: SpiffeConfig): readonly string[] =>
  config.trustDomains.map((domain) => trustDomainId(domain.name))

/** In place of an audience, for all X.509-SVIDs: they have none, and sources are told apart by theirs. */
export const anyBearerOfItsKey = 'urn:dragoman:audience:x509-svid'

/** The audiences of JWT-SVIDs, and what stands for the missing one of X.509-SVIDs; as far as each kind is accepted. */
export const audiencesOfSpiffe = ({ types, audiences }: SpiffeConfig): readonly string[] => [
  ...(types.includes('jwt-svid') ? (audiences ?? []) : []),
  ...(types.includes('x509-svid') ? [anyBearerOfItsKey] : []),
]

/** What is wrong with `config` that its schema cannot say. */
export const lintSpiffe = (config: SpiffeConfig) => [
  ...lintTrustDomains(config.trustDomains, (index) => `trustDomains[${index}]`),
  ...(config.types.includes('jwt-svid') && config.audiences === undefined
    ? [
        {
          path: 'audiences',
          message: 'JWT-SVIDs are accepted for named audiences only',
          fix: 'audiences: [https://dragoman.example.com], or types: [x509-svid]',
        },
      ]
    : []),
]
