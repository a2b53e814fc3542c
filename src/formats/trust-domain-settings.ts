import * as z from 'zod'
import type { Fault } from '../domain/fault.ts'
import { isTrustDomain, parseSpiffeId } from '../domain/spiffe-id.ts'
import { workloadId } from './jwt-svid.ts'
import { url } from './settings.ts'

/** A SPIFFE ID of a workload, exactly. */
export const workloadIdSetting = z
  .string()
  .refine((text) => workloadId(text) !== undefined, 'a SPIFFE ID with a path: spiffe://prod.example.org/web')
  .meta({ description: 'A SPIFFE ID, exactly.', examples: ['spiffe://prod.example.org/web'] })

const bundleEndpoint = z
  .strictObject({
    url,
    profile: z.enum(['https_web', 'https_spiffe']).meta({
      description: 'How the endpoint proves what it is: by a certificate of the web, or by an X.509-SVID.',
    }),
    endpointSpiffeId: workloadIdSetting
      .optional()
      .meta({ description: 'For https_spiffe: the SPIFFE ID that the endpoint must show, exactly.' }),
    bundleFile: z.string().min(1).optional().meta({
      description:
        "For https_spiffe: a file with the bundle of the endpoint's own trust domain, to begin with. If the endpoint is of the trust domain whose bundle it serves, it is needed for the first connection only.",
    }),
  })
  .meta({ description: 'Where the trust domain publishes its bundle (SPIFFE Federation).' })

/** A SPIFFE trust domain that is believed, and where its keys come from: exactly one of a file and an endpoint. */
export const trustDomainSchema = z.strictObject({
  name: z
    .string()
    .refine(isTrustDomain, 'the name of a trust domain: lower-case letters, digits, dots, hyphens, underscores')
    .meta({
      description: 'The trust domain. Its bundle is good for its own SPIFFE IDs only.',
      examples: ['prod.example.org'],
    }),
  bundleFile: z.string().min(1).optional().meta({
    description: 'A file with the bundle: a SPIFFE bundle, or the X.509 authorities in PEM. Relative to the documents.',
  }),
  bundleEndpoint: bundleEndpoint.optional(),
})

export type TrustDomainSettings = z.output<typeof trustDomainSchema>

type Remark = Omit<Fault, 'location'>

/**
 * What is wrong with trust domains that stand together in one document, which the schema cannot say. `pathOf` yields the
 * place of each.
 */
export const lintTrustDomains = (
  domains: readonly TrustDomainSettings[],
  pathOf: (index: number) => string,
): readonly Remark[] => [
  ...domains.flatMap((domain, index) => lintTrustDomain(domain, domains, pathOf(index))),
  ...domains
    .map(({ name }, index) => ({ name, index }))
    .filter(({ name, index }) => domains.findIndex((other) => other.name === name) < index)
    .map(({ name, index }) => ({
      path: `${pathOf(index)}.name`,
      message: `the trust domain ${name} stands twice`,
      fix: 'keep one: bundles are never merged',
    })),
]

const lintTrustDomain = (
  domain: TrustDomainSettings,
  domains: readonly TrustDomainSettings[],
  path: string,
): readonly Remark[] => {
  const { bundleFile, bundleEndpoint: endpoint } = domain
  if ((bundleFile === undefined) === (endpoint === undefined))
    return [{ path, message: 'name exactly one of bundleFile, bundleEndpoint', fix: 'bundleFile: prod.bundle.json' }]
  if (endpoint === undefined) return []
  const insecure = { path: `${path}.bundleEndpoint.url`, message: `${endpoint.url} is not https`, fix: 'use https' }
  return [
    ...(endpoint.url.startsWith('https:') ? [] : [insecure]),
    ...(endpoint.profile === 'https_web' ? lintWeb(endpoint, path) : lintSpiffe(domain, endpoint, domains, path)),
  ]
}

type Endpoint = NonNullable<TrustDomainSettings['bundleEndpoint']>

const lintWeb = ({ endpointSpiffeId, bundleFile }: Endpoint, path: string): readonly Remark[] =>
  endpointSpiffeId === undefined && bundleFile === undefined
    ? []
    : [
        {
          path: `${path}.bundleEndpoint`,
          message: 'endpointSpiffeId and bundleFile go with the profile https_spiffe',
          fix: 'profile: https_spiffe, or leave them out',
        },
      ]

/** The endpoint's own trust domain must be known from elsewhere, in one step: chains of endpoints are not followed. */
const lintSpiffe = (
  domain: TrustDomainSettings,
  endpoint: Endpoint,
  domains: readonly TrustDomainSettings[],
  path: string,
): readonly Remark[] => {
  const at = `${path}.bundleEndpoint`
  if (endpoint.endpointSpiffeId === undefined)
    return [
      { path: at, message: 'https_spiffe needs endpointSpiffeId', fix: `endpointSpiffeId: spiffe://${domain.name}/…` },
    ]
  if (endpoint.bundleFile !== undefined) return []
  const server = endpointDomain(endpoint)
  const known = domains.find(({ name }) => name === server)
  if (server !== domain.name && known !== undefined && !dependsOnAnother(known)) return []
  return [
    {
      path: at,
      message: `the bundle of ${server} is needed to know the endpoint by`,
      fix: 'bundleFile: a file with that bundle',
    },
  ]
}

/** The trust domain that the endpoint itself is of. */
export const endpointDomain = ({ endpointSpiffeId }: Pick<Endpoint, 'endpointSpiffeId'>): string | undefined =>
  endpointSpiffeId === undefined ? undefined : parseSpiffeId(endpointSpiffeId)?.trustDomain

const dependsOnAnother = ({ bundleEndpoint: endpoint }: TrustDomainSettings): boolean =>
  endpoint?.profile === 'https_spiffe' && endpoint.bundleFile === undefined
