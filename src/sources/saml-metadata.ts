import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { type PublicKey, publicKeyOfCertificate } from '../formats/x509/certificate-key.ts'
import { sharedInUse } from './in-use.ts'
import { type Held, type KeptFresh, type Watched, watched } from './kept-fresh.ts'
import { openPemCertificates, type PemTools } from './pem-certificates.ts'
import { asKnown, type Keys, keysInMetadata, type MetadataSpec, type MetadataTools } from './saml-metadata-keys.ts'
import type { SamlMetadataPlace } from './saml-metadata-place.ts'

/** The keys that an identity provider signs with, kept fresh. */
export interface SamlKeys extends Watched {
  /** Throws a Refusal `keys.unavailable` when there are no keys to judge with. */
  current(now: Instant): Promise<CurrentSamlKeys>
  /** The same as far as they are known without waiting; undefined where they are not. */
  atOnce(now: Instant): Omit<CurrentSamlKeys, 'justLoaded'> | undefined
  /** The same, read anew, at most once a cooldown: for a signature that no known key has made. */
  renewed(now: Instant): Promise<CurrentSamlKeys>
}

export interface CurrentSamlKeys {
  /** A key that is read again stays the object that it was: what is known about it hangs on that. */
  readonly keys: readonly PublicKey[]
  /** They are past their freshness and could not be refreshed. */
  readonly stale: boolean
  /** The caller has waited for them, so there are no newer ones to be had. */
  readonly justLoaded: boolean
}

/** Whose keys, where they come from, and how long through an outage. */
export interface SamlKeysSpec extends Omit<MetadataSpec, 'place'> {
  /** Metadata, or PEM files with the certificates of the keys themselves, relative to the documents. */
  readonly place: SamlMetadataPlace['place'] | { readonly certificates: readonly string[] }
  /** PEM files: the metadata itself must be signed under one of these certificates. */
  readonly metadataCertificates?: readonly string[]
}

export interface SamlTools extends MetadataTools {
  readonly ports: MetadataTools['ports'] & PemTools
}

/** The keys from URLs that are in use. */
const inUse = sharedInUse<SamlKeys>()

/**
 * The keys that `spec` describes. Files are read at once, so that one that is not there or not good is a fault of the
 * documents; a URL is not waited for.
 *
 * @throws Error naming the file
 */
export const openSamlKeys = async (spec: SamlKeysSpec, tools: SamlTools): Promise<SamlKeys> => {
  const { place, entityID, metadataCertificates } = spec
  if ('certificates' in place)
    return samlKeysOf(
      (await openCertificates('signing certificates', place.certificates, spec, tools)).source,
      entityID,
    )
  const signers =
    metadataCertificates === undefined
      ? undefined
      : await openCertificates('metadata certificates', metadataCertificates, spec, tools)
  const metadata = { ...spec, place }
  if ('metadataURL' in place)
    return inUse(tools.outbound, canonicalName(metadata), () =>
      samlKeysOf(keysInMetadata(metadata, signers, tools), entityID),
    )
  const source = keysInMetadata(metadata, signers, tools)
  await orNamed(source.get(tools.ports.clock.now()), place.metadataFile)
  return samlKeysOf(source, entityID)
}

/** The same for specs that mean the same. */
const canonicalName = ({ entityID, place, metadataCertificates, staleKeys, allowHosts }: SamlKeysSpec): string =>
  JSON.stringify([entityID, place, metadataCertificates?.toSorted() ?? null, staleKeys, allowHosts.toSorted()])

const orNamed = async (loaded: Promise<unknown>, path: string): Promise<void> => {
  try {
    await loaded
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'it cannot be read'
    throw new Error(`the metadata in ${path} cannot be used: ${why}`, { cause })
  }
}

const openCertificates = (what: string, paths: readonly string[], { staleKeys }: SamlKeysSpec, { ports }: SamlTools) =>
  openPemCertificates<PublicKey>(
    paths,
    { what, staleFor: staleKeys, read: (der, known) => asKnown(publicKeyOfCertificate(der), known) },
    ports,
  )

const samlKeysOf = (source: KeptFresh<Keys>, entityID: string): SamlKeys => {
  const orUnavailable = async (held: Promise<Held<Keys>>): Promise<CurrentSamlKeys> => {
    try {
      const { value: keys, stale, justLoaded } = await held
      return { keys, stale, justLoaded }
    } catch (cause) {
      throw new Refusal('keys.unavailable', `the keys of ${entityID} cannot be had`, { cause })
    }
  }
  return {
    ...watched(source),
    current: (now) => orUnavailable(source.get(now)),
    atOnce(now) {
      const held = source.atOnce(now)
      return held && { keys: held.value, stale: held.stale }
    },
    renewed: (now) => orUnavailable(source.refresh(now)),
  }
}
