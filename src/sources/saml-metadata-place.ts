import type { Instant, Seconds } from '../domain/time.ts'
import { type MetadataDocument, metadataDocument } from '../formats/saml/metadata-document.ts'
import type { Files } from '../ports/files.ts'
import { sharedInUse } from './in-use.ts'
import { type Held, keptFresh, type Loaded } from './kept-fresh.ts'
import type { Outbound } from './outbound.ts'
import { fetchSamlMetadata, type Published } from './saml-metadata-document.ts'

/** Where metadata lies. */
export interface SamlMetadataPlace {
  /** A file is relative to the documents. */
  readonly place: { readonly metadataURL: string } | { readonly metadataFile: string }
  /** Hosts that may be reached although they resolve to a private address. */
  readonly allowHosts: readonly string[]
}

/** What metadata is got with. */
interface Tools {
  readonly ports: { readonly files: Pick<Files, 'read'> }
  readonly outbound: Outbound
}

/** What one who reads metadata wants. */
export interface Wanted {
  readonly now: Instant
  /** What was fetched before is not enough. */
  readonly forced: boolean
  /** When that which the reader knows was got: it wants something else. */
  readonly known: Instant | undefined
}

/** What `read` makes of what lies at a place. @throws OutboundError, StatusError, what the files port and `read` throw */
export type MetadataReading = <T>(
  wanted: Wanted,
  read: (published: Published) => Promise<Loaded<T>>,
) => Promise<Loaded<T>>

/** Opens a place; nothing is read or fetched before it is asked for. */
export const openMetadataPlace = ({ place, allowHosts }: SamlMetadataPlace, tools: Tools): MetadataReading => {
  const { outbound, ports } = tools
  if ('metadataURL' in place) {
    const name = JSON.stringify([place.metadataURL, allowHosts.toSorted()])
    return urlsInUse(outbound, name, () => atUrl(place.metadataURL, allowHosts, outbound))
  }
  return inFile(place.metadataFile, ports.files, filesInUse(outbound, place.metadataFile, lastDocument))
}

/** Of all maps of a deployment that name the same URL: they fetch it together, and take apart what it yields once. */
const urlsInUse = sharedInUse<MetadataReading>()

/** Of all that name the same file. Each reads it, for that costs little. */
const filesInUse = sharedInUse<(text: string) => MetadataDocument>()

/** The document of a text. One that says what the last one said is that one, with all that is known of it. */
const lastDocument = (): ((text: string) => MetadataDocument) => {
  let last: MetadataDocument | undefined
  return (text) => {
    if (last?.text !== text) last = metadataDocument(text)
    return last
  }
}

/** An operator who replaces a file does not want to wait. */
const fileFreshness: Seconds = 60

const inFile =
  (path: string, files: Tools['ports']['files'], documentOf: (text: string) => MetadataDocument): MetadataReading =>
  async ({ now }, read) => {
    const document = documentOf(await files.read(path))
    return read({ document, loadedAt: now, freshFor: fileFreshness, justLoaded: true })
  }

type Fetched = Omit<Published, 'justLoaded'>

const atUrl = (url: string, allowHosts: readonly string[], outbound: Outbound): MetadataReading => {
  const documentOf = lastDocument()
  let failure: unknown
  const source = keptFresh<Fetched>({
    // Each who reads it has an outage budget of its own, and uses nothing from here while this fails.
    staleFor: Number.POSITIVE_INFINITY,
    async load(now) {
      const { text, freshFor } = await fetchSamlMetadata(url, allowHosts, outbound)
      return { value: { document: documentOf(text), loadedAt: now, freshFor }, freshFor }
    },
    onFailure(error) {
      failure = error
    },
  })
  return async ({ now, forced, known }, read) => {
    const atHand = forced ? undefined : await source.get(now)
    if (atHand !== undefined && !atHand.failing && atHand.value.loadedAt !== known) {
      const found = await readIfGood(atHand, read, now)
      if (found !== undefined) return found
    }
    const renewed = await source.refresh(now)
    if (renewed.failing) throw failure
    return read(publishedOf(renewed))
  }
}

const publishedOf = ({ value, justLoaded }: Held<Fetched>): Published => ({ ...value, justLoaded })

/** What is made of a document that may have been fetched for others, long ago. Undefined: a newer one may be better. */
const readIfGood = async <T>(
  held: Held<Fetched>,
  read: (published: Published) => Promise<Loaded<T>>,
  now: Instant,
): Promise<Loaded<T> | undefined> => {
  try {
    const loaded = await read(publishedOf(held))
    return now < held.value.loadedAt + loaded.freshFor ? loaded : undefined
  } catch (error) {
    if (held.justLoaded) throw error
    return undefined
  }
}
