import type { Registration } from './authenticate/authenticate.ts'
import type { Tools as AuthenticatorTools } from './authenticate/authenticator.ts'
import { authenticators, certificateHeaders, dialects, verifiers } from './catalog.ts'
import type { Fault, Location } from './domain/fault.ts'
import type { Grant } from './domain/grant.ts'
import type { Instant } from './domain/time.ts'
import { matcherOf } from './formats/pattern.ts'
import { type Gateways, gatewaysOf, type PreparedGateway, prepareGateway } from './gateways/client-certificate.ts'
import { createDecisionsKept, type DecisionsKept, weightOfAllowed } from './gateways/decisions-kept.ts'
import type { TrustMap } from './map/trust-map.ts'
import { type Keyring, sealingKeysOf } from './mint/keyring.ts'
import { ownKeys } from './mint/own-keys.ts'
import { vouch } from './mint/vouch.ts'
import { createObtaining, type Obtaining } from './obtain/obtain.ts'
import { type Partners, partnersOf } from './obtain/partners.ts'
import { type PreparedPartner, preparePartner } from './obtain/prepared-partner.ts'
import type { Ports } from './ports/ports.ts'
import type { Watched } from './sources/kept-fresh.ts'
import type { KeySet, KeySets } from './sources/key-sets.ts'
import type { Outbound } from './sources/outbound.ts'
import type { Vault } from './sources/vault-secrets.ts'
import type { ClientRegistration, Trust } from './trust.ts'
import type { Tools as VerifierTools } from './verify/verifier.ts'
import { type MayPresent, type Source, type Sources, sourcesOf } from './verify/verify.ts'

/** What a deployment is, as opposed to what it believes. */
export interface Deployment {
  /** Our issuer identifier (RFC 8414 section 2). */
  readonly issuer: string
  /** The SPIFFE trust domain that our JWT-SVIDs are of; absent: none are made. */
  readonly trustDomain?: string
  /** Where clients with certificates reach us, if not at the issuer's URL (RFC 8705 section 5). */
  readonly mtlsAlias?: string
  readonly ports: Ports
  readonly outbound: Outbound
  readonly keySets: KeySets
  /** Where secrets lie that documents name by keyRef; absent: nowhere. */
  readonly vault?: Vault
  /** The signing keys as they are now; a rotation changes what it yields. */
  readonly keyring: () => Keyring
  /** Keep every check of every exchange in its trace: for people at a terminal, too dear for the hot path. */
  readonly detailedTraces: boolean
}

/** Everything that an exchange needs, made ready from one version of the documents. A reload makes a new desk. */
export interface Desk extends Deployment {
  readonly trust: Trust
  readonly maps: ReadonlyMap<string, TrustMap>
  readonly sources: Sources
  readonly registrations: ReadonlyMap<string, Registration>
  readonly mayPresent: MayPresent
  /** The keys under which tokens of ours can be good. */
  readonly ownKeys: KeySet
  /** Who may state which client certificate a request came with. */
  readonly gateways: Gateways
  /** Where credentials that others accept are presented. */
  readonly partners: Partners
  readonly obtaining: Obtaining
  /** What was decided for gateways and can be given again. */
  readonly decisionsKept: DecisionsKept
  /** What was granted for requests on their way out and can be granted again. */
  readonly grantsKept: DecisionsKept<Granted>
  /** Some map looks at what a client asked of a gateway, so the same credential may mean one thing here and another there. */
  readonly readsRequests: boolean
  /** Every key set and bundle in use, named by the document that asked for it. */
  readonly keySetsInUse: readonly { readonly of: string; readonly keySet: Watched }[]
}

/** A grant for the one partner of a request, and until when it is the same for the same question. */
export interface Granted {
  readonly grant: Grant
  readonly reusableUntil: Instant
}

/** About what an identity takes. */
const weightOfGrant = 2_048

/**
 * Makes `trust` ready for exchanges: reads the secrets that it refers to, opens key sets, indexes what is looked up.
 * No network is waited for; `prefetch` does that.
 *
 * @returns the desk, or every fault that was found (a secret or file that is not there)
 */
export const openDesk = async (
  trust: Trust,
  deployment: Deployment,
): Promise<{ readonly desk: Desk; readonly faults: readonly [] } | { readonly faults: readonly Fault[] }> => {
  const tools = { ...deployment, ownKeys: ownKeys(deployment.keyring, deployment.ports.signatures) }
  const enabled = trust.maps.filter((map) => map.mode !== 'disabled')
  const openings = await Promise.all(enabled.map((map) => attempt(map.source.location, () => openSource(map, tools))))
  const clients = await Promise.all(
    [...trust.clients.values()].map((client) => attempt(client.location, () => openClient(client, deployment))),
  )
  const insideSources = enabled.filter(isOfInside).map(({ name }) => name)
  const kinds = { certificateHeaders, dialects, insideSources }
  const gateways = await Promise.all(
    trust.gateways.map((gateway) => attempt(gateway.location, () => prepareGateway(gateway, kinds, deployment.ports))),
  )
  const partners = await Promise.all(
    trust.partners.map((partner) => attempt(partner.location, () => preparePartner(partner, deployment))),
  )
  const faults = [...openings, ...clients, ...gateways, ...partners].flatMap((one) =>
    'fault' in one ? [one.fault] : [],
  )
  if (faults.length > 0) return { faults }
  const sources = openings.flatMap((one) => ('value' in one ? [one.value] : []))
  const registrations = clients.flatMap((one) => ('value' in one ? [one.value] : []))
  const prepared = {
    gateways: gateways.flatMap((one) => ('value' in one ? [one.value] : [])),
    partners: partners.flatMap((one) => ('value' in one ? [one.value] : [])),
  }
  return { desk: assemble(trust, tools, sources, registrations, prepared), faults: [] }
}

/** Do its credentials say who somebody is inside: tokens of ours, and SVIDs? */
const isOfInside = ({ source }: TrustMap): boolean => source.kind === 'canonical' || source.kind === 'spiffe'

const assemble = (
  trust: Trust,
  deployment: Deployment & Pick<Desk, 'ownKeys'>,
  sources: readonly Source[],
  registrations: readonly Registration[],
  {
    gateways,
    partners,
  }: { readonly gateways: readonly PreparedGateway[]; readonly partners: readonly PreparedPartner[] },
): Desk => ({
  ...deployment,
  trust,
  maps: new Map(trust.maps.map((map) => [map.name, map])),
  sources: sourcesOf(sources),
  registrations: new Map(registrations.map((registration) => [registration.id, registration])),
  mayPresent: (client, map) => matcherOf(client.rights.sources)(map),
  gateways: gatewaysOf(gateways, certificateHeaders),
  partners: partnersOf(partners),
  obtaining: obtainingOf(deployment),
  decisionsKept: createDecisionsKept(weightOfAllowed),
  grantsKept: createDecisionsKept(() => weightOfGrant),
  readsRequests: trust.maps.some(({ readsRequest }) => readsRequest),
  keySetsInUse: [
    ...sources.flatMap((source) =>
      source.verifier.keySets(source.prepared).map((keySet) => ({ of: source.map, keySet })),
    ),
    ...registrations.flatMap((client) =>
      client.methods.flatMap(({ authenticator, prepared }) =>
        authenticator.keySets(prepared).map((keySet) => ({ of: client.id, keySet })),
      ),
    ),
    ...gateways.flatMap(({ name, watched }) => watched.map((keySet) => ({ of: name, keySet }))),
  ],
})

const obtainings = new WeakMap<Ports, Obtaining>()

/** One for a deployment: what was obtained outlives the documents under which it was. */
const obtainingOf = (deployment: Deployment): Obtaining => {
  const { issuer, ports, outbound, keyring } = deployment
  const obtaining =
    obtainings.get(ports) ??
    createObtaining({
      issuer,
      ports,
      outbound,
      vouch: (statement, now) => vouch(statement, keyring(), { issuer, now, ports }),
      sealing: () => sealingKeysOf(keyring(), ports.clock.now()),
    })
  obtainings.set(ports, obtaining)
  return obtaining
}

type Attempt<T> = { readonly value: T } | { readonly fault: Fault }

const attempt = async <T>(location: Location, open: () => Promise<T>): Promise<Attempt<T>> => {
  try {
    return { value: await open() }
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : 'cannot be made ready'
    return { fault: { location, path: 'spec', message } }
  }
}

const openSource = async (map: TrustMap, tools: VerifierTools): Promise<Source> => {
  const verifier = verifiers.find(({ kind }) => kind === map.source.kind)
  if (verifier === undefined) throw new Error(`no verifier of the kind ${map.source.kind}`)
  const { config } = map.source
  const clients = verifier.clients(config)
  return {
    map: map.name,
    verifier,
    prepared: await verifier.prepare(config, tools),
    issuers: verifier.issuers(config, tools),
    audiences: verifier.audiences(config),
    ...(clients === undefined ? {} : { clients }),
  }
}

const openClient = async (client: ClientRegistration, deployment: Deployment): Promise<Registration> => ({
  id: client.id,
  rights: client.rights,
  methods: await Promise.all(client.authentication.map(({ kind, config }) => openMethod(kind, config, deployment))),
})

const openMethod = async (kind: string, config: unknown, tools: AuthenticatorTools) => {
  const authenticator = authenticators.find((candidate) => candidate.kind === kind)
  if (authenticator === undefined) throw new Error(`no authentication method ${kind}`)
  return { authenticator, prepared: await authenticator.prepare(config, tools) }
}

/** Fetches every key set that is in use and not fresh, all at once. Never throws. */
export const prefetch = async (desk: Desk): Promise<void> => {
  const now = desk.ports.clock.now()
  await Promise.all(desk.keySetsInUse.map(({ keySet }) => keySet.prefetch(now)))
}
