import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import type { SpiffeBundle } from '../formats/spiffe-bundle.ts'
import type { Certificate } from '../formats/x509/certificate.ts'
import type { Files } from '../ports/files.ts'
import type { Ports } from '../ports/ports.ts'
import { sharedInUse } from './in-use.ts'
import { type Held, type KeptFresh, keptFresh, type Watched, watched } from './kept-fresh.ts'
import { indexAnyKeys, type KeyIndex } from './key-index.ts'
import { type KeySet, keySetOf } from './key-sets.ts'
import type { Outbound } from './outbound.ts'
import { bundleGetter } from './trust-bundle-document.ts'
import type { TrustBundleSpec } from './trust-bundle-spec.ts'

/** The X.509 authorities of a trust domain at one moment. */
export interface Authorities {
  /** None: the domain has revoked all of them, or has no X.509-SVIDs. */
  readonly certificates: readonly Certificate[]
  /** They are past their freshness and could not be refreshed. */
  readonly stale: boolean
  /** The caller has waited for them, so there are no newer ones to be had. */
  readonly justLoaded: boolean
}

/** The bundle of one trust domain, kept fresh. It is good for SVIDs of that domain and for no others. */
export interface TrustBundle extends Watched {
  readonly trustDomain: string
  /** Throws a Refusal `keys.unavailable` when there is no bundle to judge with. */
  authorities(now: Instant): Promise<Authorities>
  /** The same, fetched anew, at most once a cooldown: for a chain that leads to no known authority. */
  renewedAuthorities(now: Instant): Promise<Authorities>
  /** The keys of its JWT-SVIDs. */
  readonly jwtKeys: KeySet
}

/** What bundles are fetched and read with. */
export interface BundleTools {
  readonly ports: Pick<Ports, 'signatures' | 'certificateSignatures' | 'log'> & { readonly files: Pick<Files, 'read'> }
  readonly outbound: Outbound
}

/** The bundles that are in use, by deployment and spec: a reload of the documents must not forget a sequence number. */
const inUse = sharedInUse<TrustBundle>()

/** The bundle that `spec` describes. Does not wait for the network. */
export const openTrustBundle = (spec: TrustBundleSpec, tools: BundleTools): TrustBundle =>
  inUse(tools.outbound, canonicalName(spec), () => createTrustBundle(spec, tools))

/** The same for specs that mean the same. */
const canonicalName = ({ algorithms, allowHosts, place, ...spec }: TrustBundleSpec): string =>
  JSON.stringify([spec.trustDomain, spec.staleFor, algorithms.toSorted(), allowHosts.toSorted(), place])

interface Known {
  readonly bundle: SpiffeBundle
  readonly keys: KeyIndex
}

const createTrustBundle = (spec: TrustBundleSpec, tools: BundleTools): TrustBundle => {
  const name = `the trust domain ${spec.trustDomain}`
  const source = keptFresh(settingsOf(spec, tools))
  const authorities = async (held: Promise<Held<Known>>): Promise<Authorities> => {
    const { value, stale, justLoaded } = await orUnavailable(held, name)
    return { certificates: value.bundle.authorities, stale, justLoaded }
  }
  return {
    ...watched(source),
    trustDomain: spec.trustDomain,
    authorities: (now) => authorities(source.get(now)),
    renewedAuthorities: (now) => authorities(source.refresh(now)),
    jwtKeys: keySetOf(keysIn(source), name),
  }
}

const settingsOf = (spec: TrustBundleSpec, tools: BundleTools) => {
  const { log, signatures } = tools.ports
  const authoritiesOf = async (server: TrustBundleSpec, now: Instant) =>
    (await openTrustBundle(server, tools).authorities(now)).certificates
  const getBundle = bundleGetter(spec, tools, authoritiesOf)
  let previous: KeyIndex | undefined
  return {
    staleFor: spec.staleFor,
    async load(now: Instant) {
      const { value: bundle, freshFor } = await getBundle(now)
      previous = await indexAnyKeys(bundle.jwtKeys, spec.algorithms, signatures, previous)
      const { trustDomain } = spec
      if (bundle.unusable > 0) log.warn('keys of a trust bundle cannot be used', { trustDomain, keys: bundle.unusable })
      return { value: { bundle, keys: previous }, freshFor }
    },
    onFailure: (error: unknown, state: string) =>
      log.warn('a trust bundle could not be loaded', {
        trustDomain: spec.trustDomain,
        error: error instanceof Error ? error.message : 'unknown',
        bundle: state,
      }),
  }
}

const keysIn = (source: KeptFresh<Known>): KeptFresh<KeyIndex> => {
  const keys = ({ value, ...held }: Held<Known>): Held<KeyIndex> => ({ ...held, value: value.keys })
  return {
    get: (now) => source.get(now).then(keys),
    atOnce(now) {
      const held = source.atOnce(now)
      return held && keys(held)
    },
    refresh: (now) => source.refresh(now).then(keys),
    state: (now) => source.state(now),
  }
}

const orUnavailable = async (held: Promise<Held<Known>>, name: string): Promise<Held<Known>> => {
  try {
    return await held
  } catch (cause) {
    throw new Refusal('keys.unavailable', `the bundle of ${name} cannot be had`, { cause })
  }
}
