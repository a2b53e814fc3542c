import type { Instant, Seconds } from '../domain/time.ts'
import { FormatError } from '../formats/format-error.ts'
import { sameBytes } from '../formats/same-bytes.ts'
import type { PublicKey } from '../formats/x509/certificate-key.ts'
import type { XmlSignaturePorts } from '../formats/xml/signature-check.ts'
import type { Files } from '../ports/files.ts'
import type { Log } from '../ports/log.ts'
import { type FreshnessState, type Held, type KeptFresh, keptFresh } from './kept-fresh.ts'
import type { Outbound } from './outbound.ts'
import type { PemCertificates } from './pem-certificates.ts'
import { type SamlMetadata, samlMetadataIn } from './saml-metadata-document.ts'
import { openMetadataPlace, type SamlMetadataPlace } from './saml-metadata-place.ts'

export type Keys = readonly PublicKey[]

/** Which identity provider's metadata, where it lies, and how long through an outage. */
export interface MetadataSpec extends SamlMetadataPlace {
  readonly entityID: string
  /** The outage budget: how long after the last successful load the keys stay in use when no new one succeeds. */
  readonly staleKeys: Seconds
}

/** What metadata is got and judged with. */
export interface MetadataTools {
  readonly ports: XmlSignaturePorts & { readonly files: Pick<Files, 'read'>; readonly log: Log }
  readonly outbound: Outbound
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
export const keysInMetadata = (spec: MetadataSpec, signers: Signers, tools: MetadataTools): KeptFresh<Keys> => {
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
    atOnce(now) {
      const held = source.atOnce(now)
      const trusted = signers?.source.atOnce(now)
      if (held === undefined || (signers !== undefined && trusted === undefined)) return undefined
      return objectionTo(held.value, trusted?.value, now) === undefined ? keysOf(held) : undefined
    },
    state(now): FreshnessState {
      if (signers?.source.state(now) === 'missing') return 'missing'
      const metadata = latest()
      const isUsable = metadata === undefined || objectionTo(metadata, signers?.latest(now), now) === undefined
      return isUsable ? source.state(now) : 'missing'
    },
  }
}

const keysOf = ({ value, ...held }: Held<SamlMetadata>): Held<Keys> => ({
  ...held,
  value: value.keys,
  justLoaded: held.justLoaded && value.justLoaded,
})

const trustedBy = async (signers: Signers, now: Instant): Promise<Keys | undefined> =>
  signers === undefined ? undefined : (await signers.source.get(now)).value

/** Why nothing that `metadata` says may be used. */
const objectionTo = (
  { validUntil, signer }: SamlMetadata,
  trusted: Keys | undefined,
  now: Instant,
): string | undefined => {
  if (now >= validUntil) return 'the metadata is past its validUntil'
  const isTrusted = trusted === undefined || (signer !== undefined && trusted.includes(signer))
  return isTrusted ? undefined : 'the metadata is signed under a certificate that may sign it no more'
}

/** @throws FormatError */
const assertUsable = (metadata: SamlMetadata, trusted: Keys | undefined, now: Instant): void => {
  const objection = objectionTo(metadata, trusted, now)
  if (objection !== undefined) throw new FormatError(objection)
}

const openMetadata = (spec: MetadataSpec, signers: Signers, tools: MetadataTools) => {
  const { ports } = tools
  const { entityID, place } = spec
  const readMetadata = openMetadataPlace(spec, tools)
  let latest: SamlMetadata | undefined
  const source = keptFresh<SamlMetadata>({
    staleFor: spec.staleKeys,
    async load(now, forced) {
      const trusted = await trustedBy(signers, now)
      const loaded = await readMetadata({ now, forced, known: latest?.loadedAt }, async (published) => {
        const found = await samlMetadataIn(published, entityID, trusted, ports)
        assertUsable(found.value, trusted, now)
        return found
      })
      const { unusableKeys } = loaded.value
      if (unusableKeys > 0) ports.log.warn('keys of SAML metadata cannot be used', { entityID, keys: unusableKeys })
      latest = withKnown(loaded.value, latest?.keys ?? [])
      return { ...loaded, value: latest }
    },
    onFailure: (error, state) =>
      ports.log.warn('SAML metadata could not be loaded', {
        entityID,
        source: 'metadataURL' in place ? place.metadataURL : place.metadataFile,
        error: error instanceof Error ? error.message : 'unknown',
        keys: state,
      }),
  })
  return { source, latest: () => latest }
}

const withKnown = (metadata: SamlMetadata, known: Keys): SamlMetadata => ({
  ...metadata,
  keys: metadata.keys.map((key) => asKnown(key, known)),
})
