import type { Client } from '../domain/client.ts'
import type { Credential, VerifiedCredential } from '../domain/credential.ts'
import type { PresentedCertificate } from '../domain/presented-certificate.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { type TokenType, tokenTypes } from '../domain/token-type.ts'
import { note, type Trace } from '../domain/trace.ts'
import { createRecent, type Recent } from '../sources/recent.ts'
import { claim } from './claim-shapes.ts'
import type { AnyVerifier, Lasting, Tools } from './verifier.ts'

/** A trust map's source, made ready: the verifier of its kind and all that it prepared. */
export interface Source {
  /** The trust map's name. */
  readonly map: string
  readonly verifier: AnyVerifier
  readonly prepared: unknown
  readonly issuers: readonly string[]
  readonly audiences: readonly string[]
  /** Only these clients may present credentials of this source; absent: the clients' own rights decide. */
  readonly clients?: readonly string[]
}

/** All sources, found by what a credential says of itself. */
export interface Sources {
  readonly all: readonly Source[]
  readonly byIssuer: ReadonlyMap<string, readonly Source[]>
  /**
   * Credentials that were proven not long ago, taken apart, by the digest of all their bytes. What is remembered is
   * a pure function of those bytes: signatures, times, audiences and permissions are judged anew at every use.
   */
  readonly recent: Recent<Reading>
}

/** A credential taken apart by the verifier of its kind. */
interface Reading {
  readonly verifier: AnyVerifier
  readonly presented: unknown
}

const maxRememberedBytes = 32 * 1024 * 1024

/** Parsed claims and the text they came from weigh about three times the text. */
const weight = (length: number) => length * 3 + 512

/** Orders `all` so that the source of a credential is found without a search. */
export const sourcesOf = (all: readonly Source[]): Sources => {
  const byIssuer = new Map<string, Source[]>()
  for (const source of all)
    for (const issuer of source.issuers) byIssuer.set(issuer, [...(byIssuer.get(issuer) ?? []), source])
  return { all, byIssuer, recent: createRecent(maxRememberedBytes) }
}

/** Who presents a credential, and over which certificate. */
export interface Presenter {
  readonly client: Client
  readonly certificate?: PresentedCertificate
}

/** What is proven, by which map, and for how long that lasts: undefined where it has to be proven anew each time. */
export interface Verified {
  readonly credential: VerifiedCredential
  readonly map: string
  lasting(): Lasting | undefined
}

/** Does a client have the right to present credentials of the map with this name? */
export type MayPresent = (client: Client, map: string) => boolean

/**
 * Credential -> VerifiedCredential: finds the trust map that speaks for the credential's issuer and audience, and has
 * the verifier of that kind prove it. Whether the client may present it is judged before any key is fetched. What is
 * bound to a key is accepted only from its holder.
 *
 * @throws Refusal `credential.*`, `issuer.*`, `source.not_allowed`, `keys.unavailable`
 */
export const verify = async (
  credential: Credential,
  presenter: Presenter,
  sources: Sources,
  verifiers: readonly AnyVerifier[],
  mayPresent: MayPresent,
  now: Instant,
  tools: Tools,
  trace: Trace,
): Promise<Verified> => {
  const raw = credential.raw.reveal()
  const digest = await tools.ports.digest.sha256(raw)
  trace.subjectTokenType = credential.type
  trace.subjectTokenFingerprint = digest.slice(0, 16)
  const known = sources.recent.get(digest + credential.type)
  const reading = known ?? (await unsealed(read(credential, verifiers, tools), sources, tools))
  trace.kind = reading.verifier.kind
  const { client } = presenter
  const source = sourceOf(reading, client, sources, mayPresent, now, trace)
  trace.map = source.map
  note(trace, {
    stage: 'verify',
    check: 'source',
    ok: true,
    wanted: `a trust map that names the issuer: ${source.map}`,
  })
  const verified = await source.verifier.verify(reading.presented, source.prepared, now, tools, trace)
  if (verified.id !== undefined) trace.subjectTokenId = verified.id
  checkMayAct(verified, client)
  checkHolder(verified, credential.type, presenter)
  if (known === undefined) sources.recent.offer(digest + credential.type, reading, weight(raw.length))
  const { verifier, prepared } = source
  return {
    credential: verified,
    map: source.map,
    lasting: () => verifier.lasting?.(reading.presented, prepared, verified, tools),
  }
}

const read = (credential: Credential, verifiers: readonly AnyVerifier[], tools: Tools): Reading => {
  for (const verifier of verifiers) {
    if (!verifier.tokenTypes.includes(credential.type)) continue
    const presented = verifier.read(credential, tools)
    if (presented !== undefined) return { verifier, presented }
  }
  throw new Refusal('credential.type_unsupported', 'no verifier reads this subject_token_type')
}

/** Most kinds are never encrypted, and their readings pass as they are. */
const unsealed = async (reading: Reading, { all }: Sources, tools: Tools): Promise<Reading> => {
  const { verifier, presented } = reading
  if (verifier.unseal === undefined) return reading
  const ofKind = all.filter((source) => source.verifier === verifier).map(({ prepared }) => prepared)
  return { verifier, presented: await verifier.unseal(presented, ofKind, tools) }
}

/** The one source that speaks for what is presented, provided that the client may present it. */
const sourceOf = (
  { verifier, presented }: Reading,
  client: Client,
  sources: Sources,
  mayPresent: MayPresent,
  now: Instant,
  trace: Trace,
): Source => {
  const issuer = verifier.issuerOf(presented)
  if (issuer !== undefined) trace.issuer = issuer
  const ofIssuer = issuer === undefined ? sources.all : (sources.byIssuer.get(issuer) ?? [])
  const ofKind = ofIssuer.filter((source) => source.verifier === verifier)
  if (ofKind.length === 0) throw new Refusal('issuer.unknown', 'no trust map names the issuer of this token')
  const forUs = ofKind.filter((source) =>
    verifier.audiencesOf(presented, source.prepared, now).some((audience) => source.audiences.includes(audience)),
  )
  if (forUs.length === 0 && issuer === undefined)
    throw new Refusal('issuer.unknown', 'the token names no issuer and no trust map can ask for it')
  if (forUs.length === 0)
    throw new Refusal('credential.audience_mismatch', `the token is for none of the audiences of ${names(ofKind)}`)
  const permitted = forUs.filter((source) => mayPresent(client, source.map) && isOpenTo(client, source))
  const [source] = permitted
  if (source === undefined)
    throw new Refusal('source.not_allowed', `client ${client.id} may not present credentials of ${names(forUs)}`)
  if (permitted.length > 1)
    throw new Refusal(
      'issuer.unknown',
      `the token may be of any of ${names(permitted)}: only one may apply to a client`,
    )
  return source
}

/**
 * Tokens of our own are narrowed by those who were named for it, there or here: a glob that stands for every issuer would
 * let them in again at the edge.
 */
const isOpenTo = (client: Client, { map, verifier, clients }: Source): boolean =>
  clients?.includes(client.id) ?? (verifier.isCanonical !== true || client.rights.sources.includes(map))

const names = (sources: readonly Source[]) => sources.map((source) => source.map).join(', ')

/**
 * A credential that is bound to a certificate is its holder's alone (RFC 8705 section 3). The holder is there when the
 * request came over that very certificate; of a certificate itself a gateway may vouch that it has seen the proof. A
 * certificate is public, so nobody else's word is worth anything.
 */
const checkHolder = (verified: VerifiedCredential, type: TokenType, { client, certificate }: Presenter): void => {
  const bound = verified.confirmation?.['x5t#S256']
  if (bound === undefined || bound === certificate?.thumbprint) return
  if (type === tokenTypes.x509Chain) {
    if (client.rights.presentCertificates === true) return
    throw new Refusal(
      'credential.holder_unproven',
      `the certificate is not that of the connection, and ${client.id} may not present those of others`,
    )
  }
  if (certificate === undefined)
    throw new Refusal('credential.confirmation_required', 'cnf binds the token to a certificate and none was presented')
  throw new Refusal('credential.confirmation_mismatch', 'cnf binds the token to another certificate')
}

/**
 * `may_act` names who may act for the subject (RFC 8693 section 4.4). Where it is there, the client that asks must be
 * the one it names, by nothing but `sub` or `client_id`.
 */
const checkMayAct = (verified: VerifiedCredential, client: Client): void => {
  const mayAct = claim(verified.claims, 'may_act')
  if (mayAct === undefined) return
  const entries = typeof mayAct === 'object' && mayAct !== null ? Object.entries(mayAct) : []
  const isClient = entries.every(([name, value]) => (name === 'sub' || name === 'client_id') && value === client.id)
  if (entries.length === 0 || !isClient)
    throw new Refusal('credential.actor_not_permitted', 'may_act names somebody other than the client')
}
