import type { Instant, Seconds } from '../domain/time.ts'
import { type IdentityProvider, identityProviderAmong } from '../formats/saml/metadata.ts'
import type { MetadataDocument } from '../formats/saml/metadata-document.ts'
import type { PublicKey } from '../formats/x509/certificate-key.ts'
import type { XmlSignaturePorts } from '../formats/xml/signature-check.ts'
import { freshnessOf } from './freshness.ts'
import { StatusError, textOf } from './json-document.ts'
import type { Loaded } from './kept-fresh.ts'
import type { Outbound } from './outbound.ts'

/** What lay at a place at some time. */
export interface Published {
  readonly document: MetadataDocument
  readonly loadedAt: Instant
  /** For how long its place lets it count as fresh. */
  readonly freshFor: Seconds
  /** Whoever asked has waited for it, so there is nothing newer to be had. */
  readonly justLoaded: boolean
}

/** What is kept of an identity provider's metadata: no text, for the text of a whole document would be kept with it. */
export interface SamlMetadata
  extends Pick<IdentityProvider, 'keys' | 'unusableKeys' | 'validUntil'>,
    Pick<Published, 'loadedAt' | 'justLoaded'> {
  /** Whose signature the document bears, where it must bear one. */
  readonly signer?: PublicKey
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

const shortest: Seconds = 60

/**
 * What is published about `entityID`. It is fresh for as long as its place or the document itself says, whichever is
 * shorter.
 *
 * @param signers whose signature the document must bear; absent: it is believed for the place it came from
 * @throws FormatError
 */
export const samlMetadataIn = async (
  { document, loadedAt, freshFor, justLoaded }: Published,
  entityID: string,
  signers: readonly PublicKey[] | undefined,
  ports: XmlSignaturePorts,
): Promise<Loaded<SamlMetadata>> => {
  const { described, ...by } =
    signers === undefined ? { described: await document.described() } : await document.describedUnder(signers, ports)
  const { keys, unusableKeys, validUntil, cacheDuration } = identityProviderAmong(described, entityID)
  return {
    value: { keys, unusableKeys, validUntil, ...by, loadedAt, justLoaded },
    freshFor: Math.max(shortest, Math.min(freshFor, cacheDuration, validUntil - loadedAt)),
    loadedAt,
  }
}
