import type { Claims } from '../domain/claims.ts'
import { Refusal } from '../domain/refusal.ts'
import type { SpiffeId } from '../domain/spiffe-id.ts'
import type { TrustBundle } from '../sources/trust-bundles.ts'
import type { SpiffeConfig, svidTypes } from './spiffe-config.ts'

/** What a kind of SVID is verified with. */
export interface Prepared {
  readonly config: SpiffeConfig
  /** By trust domain. They are never merged. */
  readonly bundles: ReadonlyMap<string, TrustBundle>
}

/** What maps see of a SPIFFE ID, besides `sub`. No claim of the token's own by that name gets through. */
export const spiffeClaim = ({ text, trustDomain, path }: SpiffeId): Claims => ({
  id: text,
  trust_domain: trustDomain,
  path,
})

/** @throws Refusal `credential.type_unsupported` when the map does not accept this kind of SVID. */
export const requireType = (type: (typeof svidTypes)[number], { types }: SpiffeConfig): void => {
  if (!types.includes(type)) throw new Refusal('credential.type_unsupported', `the map does not accept ${type}`)
}

/**
 * The bundle that alone can prove an SVID with this ID.
 *
 * @throws Refusal `issuer.unknown`
 */
export const bundleFor = ({ trustDomain }: SpiffeId, { bundles }: Prepared): TrustBundle => {
  const bundle = bundles.get(trustDomain)
  if (bundle === undefined) throw new Refusal('issuer.unknown', 'the map does not name this trust domain')
  return bundle
}
