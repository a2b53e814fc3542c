import { readFile } from 'node:fs/promises'
import { FormatError } from '../formats/format-error.ts'
import { type IdentityProvider, identityProviderIn, identityProvidersIn } from '../formats/saml/metadata.ts'
import { createNodeHttp } from '../runtimes/node/http.ts'
import { createNodeClock } from '../runtimes/node/platform.ts'
import { textOf } from '../sources/json-document.ts'
import { createOutbound } from '../sources/outbound.ts'
import { fetchSamlMetadata } from '../sources/saml-metadata-document.ts'
import { documentNameFrom } from './document-name.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { complaint, remedy } from './init-complaints.ts'
import type { Profile } from './init-profiles.ts'
import { guessSamlProfile, samlProfiles } from './init-saml-profiles.ts'
import { isLoopback } from './options.ts'
import { yamlScalar } from './yaml-scalar.ts'

/** What a first trust map for a SAML identity provider is made from. */
export interface SamlDraft {
  readonly name: string
  readonly entityID: string
  /** Where the map finds the metadata; a file is beside it. */
  readonly place: { readonly metadataURL: string } | { readonly metadataFile: string }
  /** The metadata itself. */
  readonly xml: string
  readonly provider: IdentityProvider
  /** How many identity providers the metadata describes besides. */
  readonly others: number
  readonly audience: string
  readonly profile: Profile
  /** The host of the metadata, if it lies in a private network. */
  readonly allowHost?: string
  /** The URL of the JSON Schema, relative to the documents. */
  readonly schema: string
}

/** What is asked of `dragoman init --metadata`. */
export interface SamlQuestion {
  /** A URL, or the path of a file. */
  readonly metadata: string
  readonly entityId?: string
  readonly audience: string
  readonly name?: string
  readonly preset?: string
  readonly allowPrivate?: true
  readonly schema: string
}

/** @throws CommandError that says what to do */
export const draftFromMetadata = async (question: SamlQuestion): Promise<SamlDraft> => {
  const { metadata, audience, schema } = question
  const url = urlIn(metadata)
  const xml = url === undefined ? await textOfFile(metadata) : await textAt(metadata, url, question)
  const { entityID, provider, others } = providerFor(xml, question)
  const preset = question.preset ?? guessSamlProfile(entityID, locationsOf(provider))
  const profile = samlProfiles[preset]
  if (profile === undefined) throw new CommandError(`the preset ${preset} is not one for SAML`, exitCodes.usage)
  const name = question.name ?? nameFor(entityID, preset)
  return {
    name,
    entityID,
    place: url === undefined ? { metadataFile: `${name}.xml` } : { metadataURL: metadata },
    xml,
    provider,
    others,
    audience,
    profile,
    ...(url !== undefined && question.allowPrivate === true ? { allowHost: url.host } : {}),
    schema,
  }
}

/** Undefined: it is the path of a file. */
const urlIn = (text: string): URL | undefined => {
  const url = /^https?:/i.test(text) && URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' && !isLoopback(url))
    throw new CommandError('metadata is fetched over https; plain http is for this machine only', exitCodes.usage)
  return url
}

const textOfFile = async (path: string): Promise<string> => {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new CommandError(`${path} cannot be read`, exitCodes.failure, { cause })
  })
  return understood(path, () => textOf(bytes))
}

/** What is wrong with the metadata, with what to do about it. */
const understood = <T>(metadata: string, read: () => T): T => {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    const message = `${metadata}: ${cause.message}; is it what the identity provider publishes now?`
    throw new CommandError(message, exitCodes.failure, { cause })
  }
}

const textAt = async (metadata: string, url: URL, { allowPrivate }: SamlQuestion): Promise<string> => {
  const outbound = createOutbound(createNodeHttp(), { insecureLoopback: isLoopback(url) })
  try {
    return (await fetchSamlMetadata(metadata, allowPrivate === true ? [url.host] : [], outbound)).text
  } catch (cause) {
    throw new CommandError(`${complaint(cause)}; ${remedy(cause)}`, exitCodes.failure, { cause })
  }
}

const providerFor = (xml: string, { metadata, entityId }: SamlQuestion) =>
  understood(metadata, () => {
    const all = identityProvidersIn(xml)
    const entityID = entityId ?? theOnly(all, metadata)
    const provider = identityProviderIn(xml, entityID)
    assertCurrent(provider, metadata)
    return { entityID, provider, others: all.length - 1 }
  })

const mostNamed = 5

const theOnly = (entityIDs: readonly string[], metadata: string): string => {
  const [one, ...others] = entityIDs
  if (one === undefined) throw new FormatError('it describes no identity provider of SAML 2.0')
  if (others.length === 0) return one
  const more = others.length < mostNamed ? [] : [`and ${entityIDs.length - mostNamed} more`]
  const named = [...entityIDs.slice(0, mostNamed).map(yamlScalar), ...more].join('\n  ')
  throw new CommandError(
    `${metadata} describes ${entityIDs.length} identity providers; choose one with --entity-id:\n  ${named}`,
    exitCodes.usage,
  )
}

const assertCurrent = ({ validUntil }: IdentityProvider, metadata: string): void => {
  if (validUntil > createNodeClock().now()) return
  const until = new Date(validUntil * 1_000).toISOString()
  throw new CommandError(`${metadata} was valid until ${until}; get what is published now`)
}

const locationsOf = ({ singleSignOn }: IdentityProvider): readonly string[] =>
  singleSignOn.map(({ location }) => location)

/** `adfs-saml`, or `idp-example-com-saml` after the name of the provider. */
const nameFor = (entityID: string, preset: string): string => {
  if (preset !== 'generic') return preset
  return documentNameFrom(entityID.replace(/^(https?:\/\/|urn:)/i, '')) || 'saml'
}
