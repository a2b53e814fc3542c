import type { Instant, Seconds } from '../domain/time.ts'
import { type IdentityProvider, identityProviderIn, signedIdentityProviderIn } from '../formats/saml/metadata.ts'
import type { PublicKey } from '../formats/x509/certificate-key.ts'
import type { XmlSignaturePorts } from '../formats/xml/signature-check.ts'
import type { Files } from '../ports/files.ts'
import { freshnessOf } from './freshness.ts'
import { StatusError, textOf } from './json-document.ts'
import type { Loaded } from './kept-fresh.ts'
import type { Outbound } from './outbound.ts'

/** Which identity provider's metadata, and where it lies. */
export interface SamlMetadataPlace {
  readonly entityID: string
  /** A file is relative to the documents. */
  readonly place: { readonly metadataURL: string } | { readonly metadataFile: string }
  /** Hosts that may be reached although they resolve to a private address. */
  readonly allowHosts: readonly string[]
}

/** What an identity provider's metadata says. */
export interface SamlMetadata {
  readonly provider: IdentityProvider
  /** Whose signature the document bears, where it must bear one. */
  readonly signer?: PublicKey
}

/** What metadata is got with. */
export interface SamlMetadataTools {
  readonly ports: XmlSignaturePorts & { readonly files: Pick<Files, 'read'> }
  readonly outbound: Outbound
}

/** A federation's aggregate is large and takes its time. */
const bounds = { maxBytes: 4_194_304, timeout: 10 } as const

/** The type that SAML metadata appendix A registers; many publishers use another. */
const headers = { accept: 'application/samlmetadata+xml, application/xml;q=0.9, */*;q=0.1' }

/** The text of the metadata that is published at `url`. @throws OutboundError, StatusError, FormatError */
export const fetchSamlMetadata = async (
  url: string,
  allowHosts: readonly string[],
  outbound: Outbound,
): Promise<{ readonly text: string; readonly freshFor: Seconds }> => {
  const response = await outbound.fetch({ method: 'GET', url, headers }, { allowHosts, ...bounds })
  if (response.status !== 200) throw new StatusError(url, response.status)
  return { text: textOf(response.body), freshFor: freshnessOf(response.headers) }
}

/** A file costs nothing to read again; an operator who replaces it does not want to wait. */
const fileFreshness: Seconds = 60
const shortest: Seconds = 60

/**
 * Gets the metadata from its place. It is fresh for as long as HTTP or the document itself says, whichever is shorter.
 *
 * @param signers whose signature the document must bear; absent: it is believed for the place it came from
 * @throws OutboundError, StatusError, FormatError, what the files port throws
 */
export const getSamlMetadata = async (
  { entityID, place, allowHosts }: SamlMetadataPlace,
  signers: readonly PublicKey[] | undefined,
  { ports, outbound }: SamlMetadataTools,
  now: Instant,
): Promise<Loaded<SamlMetadata>> => {
  if ('metadataFile' in place) {
    const text = await ports.files.read(place.metadataFile)
    return { value: await read(text, entityID, signers, ports), freshFor: fileFreshness }
  }
  const { text, freshFor } = await fetchSamlMetadata(place.metadataURL, allowHosts, outbound)
  const value = await read(text, entityID, signers, ports)
  const { cacheDuration, validUntil } = value.provider
  return { value, freshFor: Math.max(shortest, Math.min(freshFor, cacheDuration, validUntil - now)) }
}

const read = async (
  text: string,
  entityID: string,
  signers: readonly PublicKey[] | undefined,
  ports: XmlSignaturePorts,
): Promise<SamlMetadata> =>
  signers === undefined
    ? { provider: identityProviderIn(text, entityID) }
    : signedIdentityProviderIn(text, entityID, signers, ports)
