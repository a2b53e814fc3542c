import type { Instant, Seconds } from '../domain/time.ts'
import { type Crl, parseCrl } from '../formats/x509/crl.ts'
import { crlsInPem } from '../formats/x509/pem.ts'
import type { Ports } from '../ports/ports.ts'
import { freshnessOf } from './freshness.ts'
import { StatusError } from './json-document.ts'
import { type FreshnessState, type KeptFresh, keptFresh, type Loaded, type Watched } from './kept-fresh.ts'
import type { Outbound } from './outbound.ts'

/** Certificate revocation lists from several places, each kept fresh by itself. */
export interface Crls extends Watched {
  current(now: Instant): Promise<CurrentCrls>
}

/** What there is of the lists. One that is missing says nothing of certificates whose status the others tell. */
export interface CurrentCrls {
  readonly lists: readonly Crl[]
  /** The places whose lists cannot be had within the outage budget. */
  readonly missing: readonly string[]
}

/** Where they are. */
export interface CrlPlaces {
  readonly files: readonly string[]
  readonly urls: readonly string[]
  readonly allowHosts: readonly string[]
  /** The outage budget: how long a list counts beyond its nextUpdate while no newer one can be had. */
  readonly staleFor: Seconds
}

interface CrlTools {
  readonly ports: Pick<Ports, 'files' | 'log'>
  readonly outbound: Outbound
}

const fileFreshness: Seconds = 60
const maxBytes = 1_048_576
const shortest: Seconds = 60

/** Opens the lists; nothing is read or fetched before it is asked for. */
export const openCrls = (places: CrlPlaces, tools: CrlTools): Crls => {
  const sources = [
    ...places.files.map((path) => openOne(path, places, tools, () => ofFile(path, tools))),
    ...places.urls.map((url) => openOne(url, places, tools, (now) => ofUrl(url, places, tools, now))),
  ]
  return {
    async current(now) {
      const found = await Promise.all(sources.map((one) => listsOf(one, now)))
      return { lists: found.flatMap(({ lists }) => lists), missing: found.flatMap(({ missing }) => missing) }
    },
    async prefetch(now) {
      await Promise.allSettled(sources.map(({ source }) => source.get(now)))
    },
    state: (now) => worstOf(sources.map(({ source }) => source.state(now))),
  }
}

interface Named {
  readonly name: string
  readonly source: KeptFresh<readonly Crl[]>
}

const openOne = (
  name: string,
  { staleFor }: CrlPlaces,
  { ports }: CrlTools,
  load: (now: Instant) => Promise<Loaded<readonly Crl[]>>,
): Named => ({
  name,
  source: keptFresh<readonly Crl[]>({
    // A list may be as old as its issuer lets it be; only from then on does the budget run.
    staleFor: longestList + staleFor,
    async load(now) {
      const { value, freshFor } = await load(now)
      return { value: value.map((crl) => extended(crl, staleFor)), freshFor }
    },
    onFailure: (error, state) =>
      ports.log.warn('a revocation list could not be loaded', {
        source: name,
        error: error instanceof Error ? error.message : 'unknown',
        list: state,
      }),
  }),
})

const longestList: Seconds = 31_536_000

/** The list as it counts with us: its issuer's nextUpdate and the outage budget after it. */
const extended = (crl: Crl, staleFor: Seconds): Crl =>
  crl.nextUpdate === undefined ? crl : { ...crl, nextUpdate: crl.nextUpdate + staleFor }

const ofFile = async (path: string, { ports }: CrlTools): Promise<Loaded<readonly Crl[]>> => ({
  value: listsIn(await ports.files.readBytes(path)),
  freshFor: fileFreshness,
})

const ofUrl = async (
  url: string,
  { allowHosts }: CrlPlaces,
  { outbound }: CrlTools,
  now: Instant,
): Promise<Loaded<readonly Crl[]>> => {
  const headers = { accept: 'application/pkix-crl, */*;q=0.1' }
  const response = await outbound.fetch({ method: 'GET', url, headers }, { allowHosts, maxBytes })
  if (response.status !== 200) throw new StatusError(url, response.status)
  const value = listsIn(response.body)
  const due = Math.min(...value.map(({ nextUpdate }) => (nextUpdate ?? now) - now))
  return { value, freshFor: Math.max(shortest, Math.min(due, freshnessOf(response.headers))) }
}

/** PEM begins with a hyphen, DER with a SEQUENCE. */
const listsIn = (bytes: Uint8Array): readonly Crl[] =>
  bytes[0] === 0x30 ? [parseCrl(bytes)] : crlsInPem(new TextDecoder().decode(bytes)).map(parseCrl)

/** A list that is too old counts no more: that is our outage, and says nothing about the certificate. */
const listsOf = async ({ name, source }: Named, now: Instant): Promise<CurrentCrls> => {
  const loaded = await source.get(now).then(
    ({ value }) => value,
    () => undefined,
  )
  const lists = (loaded ?? []).filter(({ nextUpdate }) => nextUpdate === undefined || now <= nextUpdate)
  return { lists, missing: loaded === undefined || lists.length < loaded.length ? [name] : [] }
}

const worstOf = (states: readonly FreshnessState[]): FreshnessState =>
  (['missing', 'stale'] as const).find((state) => states.includes(state)) ?? 'fresh'
