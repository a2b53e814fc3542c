import * as z from 'zod'
import { authenticators, certificateHeaders, dialects, obtainers, verifiers } from './catalog.ts'
import type { Fault } from './domain/fault.ts'
import { decodeBase64url } from './formats/base64url.ts'
import { type ClientRegistration, clientSpec, registrationOf } from './formats/client-document.ts'
import { documentHead, documentSchema, worldLabel } from './formats/document-head.ts'
import { type ParsedDocument, parseDocuments, pathText } from './formats/documents.ts'
import { type Draft, newDraft } from './formats/draft.ts'
import { type GatewayRegistration, gatewayRegistration, gatewaySpec } from './formats/gateway-document.ts'
import { routeGaps } from './formats/route-gaps.ts'
import { schemaFaults } from './formats/schema-faults.ts'
import { carriageRemarks, leftOn } from './gateways/carriage.ts'
import { compileTrustMap } from './map/compile.ts'
import { type RuleSpec, trustMapSpec } from './map/schema.ts'
import {
  type Claimant,
  memberOf,
  reportKeptIdentities,
  reportOverlaps,
  reportUnknownClients,
  reportUnknownGateways,
  sourceSchema,
  withItsPreset,
} from './map/source.ts'
import {
  compileTestSuite,
  reportUnknownTestClients,
  reportUnknownTestGateways,
  reportUnknownTestSources,
  type TestSuite,
  testSuiteSpec,
} from './map/test-suite.ts'
import type { TrustMap } from './map/trust-map.ts'
import { cargoOf } from './obtain/injection.ts'
import { type PartnerRegistration, partnerRegistration, partnerSpec } from './obtain/partner-document.ts'
import type { Digest } from './ports/digest.ts'

export type { ClientRegistration, GatewayRegistration, TestSuite }

/** A file with documents. The name is what people see; relative names of other files start from the same folder. */
export interface SourceFile {
  readonly name: string
  readonly text: string
}

/** All documents, read and found consistent. */
export interface Trust {
  /** First 12 hex digits of the SHA-256 over all files. */
  readonly version: string
  readonly maps: readonly TrustMap[]
  /** By client_id. */
  readonly clients: ReadonlyMap<string, ClientRegistration>
  readonly gateways: readonly GatewayRegistration[]
  readonly partners: readonly PartnerRegistration[]
  readonly suites: readonly TestSuite[]
  /** Every text that policy refers to, in documents and in expressions. */
  readonly referencedStrings: ReadonlySet<string>
}

export interface LoadOptions {
  /** `dev` also loads the documents of the demo world. */
  readonly world: 'serve' | 'dev'
  /** May plain http to this machine be used? */
  readonly insecureLoopback: boolean
  readonly digest: Pick<Digest, 'sha256'>
}

export interface Loaded {
  /** There only when no fault was found. */
  readonly trust?: Trust
  readonly faults: readonly Fault[]
  /** What works and is weak. */
  readonly warnings: readonly Fault[]
  readonly notices: readonly string[]
}

const kinds = ['TrustMap', 'Partner', 'Client', 'Gateway', 'TrustMapTest'] as const

type Kind = (typeof kinds)[number]

const head = documentHead(kinds)

const schemasFor = (options: { readonly insecureLoopback: boolean }) => ({
  TrustMap: documentSchema('TrustMap', trustMapSpec(sourceSchema(verifiers, options))),
  Partner: documentSchema('Partner', partnerSpec(obtainers, options)),
  Client: documentSchema('Client', clientSpec(authenticators, options)),
  Gateway: documentSchema('Gateway', gatewaySpec(certificateHeaders, dialects)),
  TrustMapTest: documentSchema('TrustMapTest', testSuiteSpec),
})

type Schemas = ReturnType<typeof schemasFor>

/** The JSON Schema (2020-12) of all documents, for editors. */
export const trustJsonSchema = (): unknown => {
  const { TrustMap, Partner, Client, Gateway, TrustMapTest } = schemasFor({ insecureLoopback: false })
  const any = z.union([TrustMap, Partner, Client, Gateway, TrustMapTest]).meta({ title: 'A document of dragoman' })
  return z.toJSONSchema(any, { io: 'input', unrepresentable: 'any', reused: 'ref' })
}

/** A document whose head is right; its draft collects what else is wrong. */
interface Entry {
  readonly kind: Kind
  readonly name: string
  readonly isDemo: boolean
  readonly document: ParsedDocument
  readonly draft: Draft
}

/**
 * Reads all documents, checks each and all of them together, and makes them ready for use. Every fault of every file
 * is reported at once; it never throws.
 */
export const loadTrust = async (files: readonly SourceFile[], options: LoadOptions): Promise<Loaded> => {
  const sorted = files.toSorted((a, b) => compare(a.name, b.name))
  const parsed = sorted.map((file) => parseDocuments(file.name, file.text))
  const read = parsed.flatMap(({ documents }) => documents.map(readHead))
  const all = read.flatMap((one) => ('entry' in one ? [one.entry] : []))
  const entries = all.filter(({ isDemo }) => !isDemo || options.world === 'dev')
  const complete = read.length === all.length && parsed.every((file) => file.faults.length === 0)
  const contents = readAll(entries, schemasFor(options), complete)
  const faults = [
    ...parsed.flatMap((file) => file.faults),
    ...read.flatMap((one) => ('faults' in one ? one.faults : [])),
    ...entries.flatMap(({ draft }) => draft.faults),
  ].toSorted(byPlace)
  const notices = all.filter((entry) => !entries.includes(entry)).map(leftOut)
  const { warnings, ...trust } = contents
  if (faults.length > 0) return { faults, warnings, notices }
  return { trust: { ...trust, version: await versionOf(sorted, options.digest) }, faults, warnings, notices }
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

const byPlace = ({ location: a }: Fault, { location: b }: Fault): number =>
  compare(a.file, b.file) || a.line - b.line || a.column - b.column

const leftOut = ({ kind, name: own, document }: Entry): string =>
  `${kind} ${own} (${document.locate([]).file}) belongs to the demo world and is left out`

const versionOf = async (files: readonly SourceFile[], digest: Pick<Digest, 'sha256'>): Promise<string> => {
  const whole = await digest.sha256(JSON.stringify(files.map((file) => [file.name, file.text])))
  return [...decodeBase64url(whole).subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

const readHead = (document: ParsedDocument): { readonly entry: Entry } | { readonly faults: readonly Fault[] } => {
  const { value } = document
  const read = head.safeParse(value)
  if (!read.success) return { faults: schemaFaults(read.error.issues, { document, at: [], value, schema: head }) }
  const { kind, metadata } = read.data
  const isDemo = metadata.labels?.[worldLabel] === 'demo'
  return { entry: { kind, name: metadata.name, isDemo, document, draft: newDraft(document) } }
}

/** The document as its schema reads it; undefined when it has faults, which go to the draft. */
const judged = <S extends z.ZodType>(
  schema: S,
  { document, draft }: Entry,
  value: unknown,
): z.output<S> | undefined => {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  draft.faults.push(...schemaFaults(result.error.issues, { document, at: [], value, schema }))
  return undefined
}

type Contents = Omit<Trust, 'version'> & Pick<Loaded, 'warnings'>

/**
 * Reads what has no faults; faults go to the drafts, so what is missing here is never used. Whether a name that one
 * document gives to another means something is asked only where all documents could be `complete`ly read.
 */
const readAll = (entries: readonly Entry[], schemas: Schemas, complete: boolean): Contents => {
  const ofKind = (kind: Kind) => entries.filter((entry) => entry.kind === kind)
  const maps = ofKind('TrustMap').flatMap((entry) => readMap(entry, schemas) ?? [])
  const clients = ofKind('Client').flatMap((entry) => readClient(entry, schemas) ?? [])
  const clientIds = new Map(ofKind('Client').map((entry) => [entry.name, clientIdOf(entry)]))
  reportRepeated(entries)
  reportOverlaps(maps.map(({ claimant }) => claimant))
  const mapNames = ofKind('TrustMap').map(({ name }) => name)
  const gateways = ofKind('Gateway').flatMap((entry) => readGateway(entry, schemas) ?? [])
  const gatewayNames = ofKind('Gateway').map(({ name }) => name)
  reportTakenIds(ofKind('Client'), gateways)
  const partners = ofKind('Partner').flatMap((entry) => readPartner(entry, schemas) ?? [])
  const partnerNames = ofKind('Partner').map(({ name }) => name)
  reportSharedAudiences(partners)
  if (complete) {
    for (const { claimant, rules } of maps) {
      reportUnknownClients(claimant, [...clientIds.values(), ...gatewayNames])
      reportUnknownGateways(claimant, rules, gatewayNames)
    }
    for (const { entry, registration } of clients)
      reportUnknownSources(entry.draft, ['spec', 'may', 'sources'], registration.rights.sources, mapNames)
    for (const { entry, registration } of gateways)
      reportUnknownSources(entry.draft, ['spec', 'sources'], sourcesNamed(registration), mapNames)
    for (const { entry, registration } of gateways)
      reportUnknownPartners(entry.draft, registration.departures?.partners ?? [], partnerNames)
  }
  return {
    maps: maps.map(({ trustMap }) => trustMap),
    clients: new Map(clients.map(({ registration }) => [registration.id, registration])),
    gateways: gateways.map(({ registration }) => registration),
    partners: partners.map(({ registration }) => registration),
    warnings: [...gateways.flatMap(weakness), ...uncarried(gateways, partners)],
    suites: ofKind('TrustMapTest').flatMap(
      (entry) => readSuite(entry, schemas, clientIds, complete ? { mapNames, gatewayNames } : undefined) ?? [],
    ),
    referencedStrings: new Set([...maps, ...clients].flatMap(({ spoken }) => textsIn(spoken))),
  }
}

const textsIn = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

interface ReadMap {
  /** All that the document says, for the texts in it. */
  readonly spoken: unknown
  readonly claimant: Claimant
  readonly rules: readonly RuleSpec[]
  readonly trustMap: TrustMap
}

const readMap = (entry: Entry, schemas: Schemas): ReadMap | undefined => {
  const { draft, name } = entry
  const { value, preset } = withItsPreset(entry.document.value)
  const spec = judged(schemas.TrustMap, entry, value)?.spec
  if (spec === undefined) return undefined
  const { kind, config } = spec.source
  const headed = { name, source: { kind: kind.kind, config }, ...(preset === undefined ? {} : { preset }) }
  const claimant = { draft, name, mode: spec.mode, source: spec.source }
  const { rules } = spec
  reportKeptIdentities(claimant, rules)
  return { spoken: { ...spec, source: config }, claimant, rules, trustMap: compileTrustMap(draft, spec, headed) }
}

interface ReadClient {
  readonly spoken: unknown
  readonly entry: Entry
  readonly registration: ClientRegistration
}

const readClient = (entry: Entry, schemas: Schemas): ReadClient | undefined => {
  const spec = judged(schemas.Client, entry, entry.document.value)?.spec
  return spec && { spoken: spec, entry, registration: registrationOf(entry.draft, entry.name, spec) }
}

interface ReadGateway {
  readonly entry: Entry
  readonly registration: GatewayRegistration
}

const readGateway = (entry: Entry, schemas: Schemas): ReadGateway | undefined => {
  const spec = judged(schemas.Gateway, entry, entry.document.value)?.spec
  return spec && { entry, registration: gatewayRegistration(entry.draft, entry.name, spec) }
}

interface ReadPartner {
  readonly entry: Entry
  readonly registration: PartnerRegistration
}

const readPartner = (entry: Entry, schemas: Schemas): ReadPartner | undefined => {
  const spec = judged(schemas.Partner, entry, entry.document.value)?.spec
  return spec && { entry, registration: partnerRegistration(entry.draft, entry.name, spec) }
}

/** By its audience the token endpoint knows a partner. */
const reportSharedAudiences = (partners: readonly ReadPartner[]): void => {
  const known = new Map<string, string>()
  for (const { entry, registration } of partners) {
    const other = known.get(registration.audience)
    if (other !== undefined)
      entry.draft.report(['spec', 'audience'], `the Partner ${other} has this audience`, 'choose another')
    known.set(registration.audience, registration.name)
  }
}

const sourcesNamed = ({ decisions, departures }: GatewayRegistration): readonly string[] =>
  decisions?.sources ?? departures?.sources ?? []

const reportUnknownPartners = (draft: Draft, partners: readonly string[], names: readonly string[]): void => {
  for (const [index, partner] of partners.entries())
    if (!partner.includes('*') && !names.includes(partner))
      draft.reportUnknown(['spec', 'partners', index], 'Partner', partner, names)
}

/** Partners whose credentials a gateway that may use them has no way to put on a request. */
const uncarried = (gateways: readonly ReadGateway[], partners: readonly ReadPartner[]): readonly Fault[] =>
  gateways.flatMap(({ entry, registration: { departures } }) => {
    const dialect = dialects.find(({ kind }) => kind === departures?.dialect)
    if (departures === undefined || dialect === undefined) return []
    const location = entry.draft.locate(['spec', 'dialect'])
    return partners.flatMap(({ registration }) =>
      [...carriageRemarks(cargoOf(registration), departures, dialect), ...leftOn(cargoOf(registration), dialect)].map(
        (remark) => ({
          location,
          path: 'spec.dialect',
          ...remark,
        }),
      ),
    )
  })

const weakness = ({ entry, registration }: ReadGateway): readonly Fault[] => [
  ...(registration.authenticate.by === 'network' ? [byAddress(entry)] : []),
  ...routeGaps(registration.decisions?.routes ?? []).map(({ at, ...remark }) => ({
    location: entry.draft.locate(['spec', ...at]),
    path: pathText(['spec', ...at]),
    ...remark,
  })),
]

const byAddress = ({ draft }: Entry): Fault => ({
  location: draft.locate(['spec', 'authenticate', 'network']),
  path: 'spec.authenticate.network',
  message: 'whoever can send from these addresses is the gateway',
  fix: 'mtls or secretHeader, unless nobody else can',
})

const readSuite = (
  entry: Entry,
  schemas: Schemas,
  clientIds: ReadonlyMap<string, string>,
  known: { readonly mapNames: readonly string[]; readonly gatewayNames: readonly string[] } | undefined,
): TestSuite | undefined => {
  const spec = judged(schemas.TrustMapTest, entry, entry.document.value)?.spec
  if (spec === undefined) return undefined
  if (known !== undefined) {
    reportUnknownTestClients(entry.draft, spec, clientIds)
    reportUnknownTestSources(entry.draft, spec, known.mapNames)
    reportUnknownTestGateways(entry.draft, spec, known.gatewayNames)
  }
  return compileTestSuite(entry.draft, entry.name, spec, clientIds)
}

/** Also of a document that has faults, so that those who refer to it are not told that it is missing. */
const clientIdOf = ({ name, document }: Entry): string => {
  const id = memberOf(memberOf(document.value, 'spec'), 'clientId')
  return typeof id === 'string' ? id : name
}

const reportRepeated = (entries: readonly Entry[]): void => {
  const names = new Set<string>()
  const ids = new Set<string>()
  for (const entry of entries) {
    const { kind, name, draft } = entry
    if (names.has(`${kind} ${name}`))
      draft.report(['metadata', 'name'], `another ${kind} has this name`, 'choose another')
    names.add(`${kind} ${name}`)
    if (kind !== 'Client') continue
    const id = clientIdOf(entry)
    if (ids.has(id)) draft.report(['spec', 'clientId'], 'another Client has this client_id', 'choose another')
    ids.add(id)
  }
}

/** A gateway that asks is a client under its own name, and what one may must not be mistaken for what another may. */
const reportTakenIds = (clients: readonly Entry[], gateways: readonly ReadGateway[]): void => {
  const asking = new Set(gateways.flatMap(({ registration: { name, decisions } }) => (decisions ? [name] : [])))
  for (const client of clients)
    if (asking.has(clientIdOf(client)))
      client.draft.report(['spec', 'clientId'], 'a Gateway with a dialect is the client of this name', 'choose another')
}

const reportUnknownSources = (
  draft: Draft,
  at: readonly string[],
  sources: readonly string[],
  mapNames: readonly string[],
): void => {
  for (const [index, source] of sources.entries())
    if (!source.includes('*') && !mapNames.includes(source))
      draft.reportUnknown([...at, index], 'TrustMap', source, mapNames)
}
