import type { Instant, Seconds } from '../domain/time.ts'
import { FormatError } from '../formats/format-error.ts'
import { sameBytes } from '../formats/same-bytes.ts'
import type { PublicKey } from '../formats/x509/certificate-key.ts'
import type { Log } from '../ports/log.ts'
import { type FreshnessState, type Held, type KeptFresh, keptFresh } from './kept-fresh.ts'
import type { PemCertificates } from './pem-certificates.ts'
import {
  getSamlMetadata,
  type SamlMetadata,
  type SamlMetadataPlace,
  type SamlMetadataTools,
} from './saml-metadata-document.ts'

export type Keys = readonly PublicKey[]

export interface MetadataSpec extends SamlMetadataPlace {
  /** The outage budget: how long after the last successful load the keys stay in use when no new one succeeds. */
  readonly staleKeys: Seconds
}

interface Tools extends SamlMetadataTools {
  readonly ports: SamlMetadataTools['ports'] & { readonly log: Log }
}

/** Those who may sign the metadata. Absent: it is believed for the place that it comes from. */
type Signers = PemCertificates<PublicKey> | undefined

/** A key that is known already stays the object that it is. */
export const asKnown = (key: PublicKey, known: Keys): PublicKey =>
  known.find(({ spki }) => sameBytes(spki, key.spki)) ?? key

/**
 * The keys that the metadata at `spec.place` names. Beyond its validUntil they are gone, whatever the outage budget, and so
 * they are once its signer is no longer one of `signers`; then it is fetched again, at most once a cooldown.
 */
export const keysInMetadata = (spec: MetadataSpec, signers: Signers, tools: Tools): KeptFresh<Keys> => {
  const { source, latest } = openMetadata(spec, signers, tools)
  const refresh = async (now: Instant): Promise<Held<Keys>> => {
    const held = await source.refresh(now)
    assertUsable(held.value, await trustedBy(signers, now), now)
    return keysOf(held)
  }
  return {
    refresh,
    async get(now) {
      const held = await source.get(now)
      const objection = objectionTo(held.value, await trustedBy(signers, now), now)
      return objection === undefined ? keysOf(held) : refresh(now)
    },
    state(now): FreshnessState {
      if (signers?.source.state(now) === 'missing') return 'missing'
      const metadata = latest()
      const isUsable = metadata === undefined || objectionTo(metadata, signers?.latest(now), now) === undefined
      return isUsable ? source.state(now) : 'missing'
    },
  }
}

const keysOf = ({ value, ...held }: Held<SamlMetadata>): Held<Keys> => ({ ...held, value: value.provider.keys })

const trustedBy = async (signers: Signers, now: Instant): Promise<Keys | undefined> =>
  signers === undefined ? undefined : (await signers.source.get(now)).value

/** Why nothing that `metadata` says may be used. */
const objectionTo = (
  { provider, signer }: SamlMetadata,
  trusted: Keys | undefined,
  now: Instant,
): string | undefined => {
  if (now >= provider.validUntil) return 'the metadata is past its validUntil'
  const isTrusted = trusted === undefined || (signer !== undefined && trusted.includes(signer))
  return isTrusted ? undefined : 'the metadata is signed under a certificate that may sign it no more'
}

/** @throws FormatError */
const assertUsable = (metadata: SamlMetadata, trusted: Keys | undefined, now: Instant): void => {
  const objection = objectionTo(metadata, trusted, now)
  if (objection !== undefined) throw new FormatError(objection)
}

const openMetadata = (spec: MetadataSpec, signers: Signers, tools: Tools) => {
  const { log } = tools.ports
  const { entityID, place } = spec
  let latest: SamlMetadata | undefined
  const source = keptFresh<SamlMetadata>({
    staleFor: spec.staleKeys,
    async load(now) {
      const trusted = await trustedBy(signers, now)
      const { value, freshFor } = await getSamlMetadata(spec, trusted, tools, now)
      assertUsable(value, trusted, now)
      const { unusableKeys } = value.provider
      if (unusableKeys > 0) log.warn('keys of SAML metadata cannot be used', { entityID, keys: unusableKeys })
      latest = withKnown(value, latest?.provider.keys ?? [])
      return { value: latest, freshFor }
    },
    onFailure: (error, state) =>
      log.warn('SAML metadata could not be loaded', {
        entityID,
        source: 'metadataURL' in place ? place.metadataURL : place.metadataFile,
        error: error instanceof Error ? error.message : 'unknown',
        keys: state,
      }),
  })
  return { source, latest: () => latest }
}

const withKnown = ({ provider, ...metadata }: SamlMetadata, known: Keys): SamlMetadata => ({
  ...metadata,
  provider: { ...provider, keys: provider.keys.map((key) => asKnown(key, known)) },
})
