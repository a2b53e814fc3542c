import type { Seconds } from '../domain/time.ts'
import { endpointDomain, type TrustDomainSettings } from '../formats/trust-domain-settings.ts'
import type { JwsAlgorithm } from '../ports/signatures.ts'

/** Where a bundle is published, and how the endpoint proves what it is (SPIFFE Federation section 5.2). */
export type BundleEndpoint =
  | { readonly url: string; readonly profile: 'https_web' }
  | {
      readonly url: string
      readonly profile: 'https_spiffe'
      /** What the endpoint must show, exactly. */
      readonly endpointSpiffeId: string
      /** A file with the bundle of the endpoint's own trust domain. */
      readonly bundleFile?: string
      /** Where the bundle of the endpoint's own trust domain comes from, when that is another one and there is no file. */
      readonly servedBy?: TrustBundleSpec
    }

/** Whose bundle, where it comes from, and how long it serves through an outage. */
export interface TrustBundleSpec {
  readonly trustDomain: string
  readonly place: { readonly bundleFile: string } | { readonly endpoint: BundleEndpoint }
  /** Of its JWT-SVIDs. */
  readonly algorithms: readonly JwsAlgorithm[]
  /** Hosts that may be reached although they resolve to a private address. */
  readonly allowHosts: readonly string[]
  /** The outage budget: how long after the last successful fetch the bundle stays in use when no new fetch succeeds. */
  readonly staleFor: Seconds
}

type Shared = Pick<TrustBundleSpec, 'algorithms' | 'allowHosts' | 'staleFor'>

/**
 * The specs of trust domains that stand together in one document, in their order.
 *
 * @throws Error for settings in which the linter finds a fault
 */
export const trustBundleSpecs = (domains: readonly TrustDomainSettings[], shared: Shared): readonly TrustBundleSpec[] =>
  domains.map((domain) => specOf(domain, domains, shared))

const specOf = (
  domain: TrustDomainSettings,
  domains: readonly TrustDomainSettings[],
  shared: Shared,
): TrustBundleSpec => ({
  ...shared,
  trustDomain: domain.name,
  place: placeOf(domain, domains, shared),
})

const placeOf = (
  domain: TrustDomainSettings,
  domains: readonly TrustDomainSettings[],
  shared: Shared,
): TrustBundleSpec['place'] => {
  const { name, bundleFile, bundleEndpoint: endpoint } = domain
  if (bundleFile !== undefined) return { bundleFile }
  if (endpoint === undefined) throw new Error(`nothing says where the bundle of ${name} comes from`)
  const { url, endpointSpiffeId } = endpoint
  if (endpoint.profile === 'https_web') return { endpoint: { url, profile: 'https_web' } }
  if (endpointSpiffeId === undefined) throw new Error(`nothing says by what the endpoint of ${name} is known`)
  const known = { url, profile: 'https_spiffe', endpointSpiffeId } as const
  if (endpoint.bundleFile !== undefined) return { endpoint: { ...known, bundleFile: endpoint.bundleFile } }
  const server = domains.find((other) => other !== domain && other.name === endpointDomain(endpoint))
  if (server === undefined) throw new Error(`no bundle is there to know the endpoint of ${name} by`)
  // One step only: what serves another domain must itself stand on a file or on the web.
  return { endpoint: { ...known, servedBy: specOf(server, [], shared) } }
}
