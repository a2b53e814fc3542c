import * as z from 'zod'
import { Refusal } from '../domain/refusal.ts'
import { parseSpiffeId, type SpiffeId } from '../domain/spiffe-id.ts'
import { jwtSvidAlgorithms, workloadId } from '../formats/jwt-svid.ts'
import { duration } from '../formats/settings.ts'
import { lintTrustDomains, trustDomainSchema, workloadIdSetting } from '../formats/trust-domain-settings.ts'
import { trustBundleSpecs } from '../sources/trust-bundle-spec.ts'
import { openTrustBundle, type TrustBundle } from '../sources/trust-bundles.ts'
import type { Tools } from './authenticator.ts'

/** The settings that both ways to authenticate by an SVID have (OAuth SPIFFE client authentication). */
export const spiffeClientSettings = {
  spiffeId: workloadIdSetting.optional().meta({
    description: 'The SPIFFE ID of the client, exactly. By default its client_id, which then is one.',
  }),
  trustDomain: trustDomainSchema.meta({ description: "The client's trust domain, and where its keys come from." }),
  staleBundles: duration.default(3_600).meta({
    description:
      'The outage budget: how long a known bundle stays in use while its endpoint cannot be reached. Default 1h.',
  }),
  allowHosts: z
    .array(z.string().min(1))
    .optional()
    .meta({ description: 'Hosts of bundle endpoints that may be asked although they have private addresses.' }),
}

const settings = z.strictObject(spiffeClientSettings)

export type SpiffeClientConfig = z.output<typeof settings>

/** What is wrong with `config` that its schema cannot say. */
export const lintSpiffeClient = ({ spiffeId, trustDomain }: SpiffeClientConfig) => [
  ...lintTrustDomains([trustDomain], () => 'trustDomain'),
  ...(spiffeId === undefined || parseSpiffeId(spiffeId)?.trustDomain === trustDomain.name
    ? []
    : [
        {
          path: 'spiffeId',
          message: `the SPIFFE ID is not of the trust domain ${trustDomain.name}`,
          fix: `spiffeId: spiffe://${trustDomain.name}/…`,
        },
      ]),
]

/** Who the client is, and the bundle that proves it. */
export interface PreparedSpiffeClient {
  readonly spiffeId?: string
  readonly bundle: TrustBundle
}

/** Opens the bundle of the client's trust domain. */
export const prepareSpiffeClient = (config: SpiffeClientConfig, tools: Tools): PreparedSpiffeClient => {
  const { spiffeId, staleBundles: staleFor, allowHosts = [] } = config
  const [spec] = trustBundleSpecs([config.trustDomain], { algorithms: jwtSvidAlgorithms, staleFor, allowHosts })
  if (spec === undefined) throw new Error('a client has one trust domain')
  return { bundle: openTrustBundle(spec, tools), ...(spiffeId === undefined ? {} : { spiffeId }) }
}

/**
 * The SPIFFE ID that the client registered as `clientId` has to prove.
 *
 * @throws Refusal `client.credential_invalid` when there is none, or none that its bundle could prove
 */
export const registeredId = (clientId: string, { spiffeId, bundle }: PreparedSpiffeClient): SpiffeId => {
  const id = workloadId(spiffeId ?? clientId)
  if (id === undefined)
    throw new Refusal('client.credential_invalid', `${clientId} is no SPIFFE ID and none is registered for it`)
  if (id.trustDomain !== bundle.trustDomain)
    throw new Refusal('client.credential_invalid', `${id.text} is not of the trust domain ${bundle.trustDomain}`)
  return id
}
