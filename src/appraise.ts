import { verifiers } from './catalog.ts'
import type { Desk } from './desk.ts'
import type { Client } from './domain/client.ts'
import type { Credential, VerifiedCredential } from './domain/credential.ts'
import type { ExchangeRequest } from './domain/exchange.ts'
import { onTheWire, Refusal } from './domain/refusal.ts'
import { secret } from './domain/secret.ts'
import type { Instant } from './domain/time.ts'
import { tokenTypes } from './domain/token-type.ts'
import { newTrace, type Trace } from './domain/trace.ts'
import { textOfChain } from './formats/x509-chain-text.ts'
import { type Actor, type Context, map } from './map/map.ts'
import type { Mapped, TrustMap } from './map/trust-map.ts'
import { type Presenter, verify } from './verify/verify.ts'

/** What a credential proves and who its subject is here: the part of the journey that `explain` walks without a caller. */
export interface Appraisal extends Mapped {
  readonly credential: VerifiedCredential
  /** There when the identity is delegated to it. */
  readonly actor?: Actor
}

/** Credential -> CanonicalIdentity, for a client that is known and the actor that it presents, if any. */
export const appraise = async (
  request: ExchangeRequest,
  client: Client,
  desk: Desk,
  now: Instant,
  trace: Trace,
): Promise<Appraisal> => {
  const presenter = presenterOf(request, client)
  const verified = await verify(request.subject, presenter, desk.sources, verifiers, desk.mayPresent, now, desk, trace)
  const trustMap = mapNamed(verified.map, desk)
  const actor = await actorOf(request, trustMap, presenter, desk, now, trace)
  const context = contextOf(request, client, now, desk)
  const { credential } = verified
  if (actor === undefined) return { credential, ...map(credential, trustMap, context, trace) }
  const mapped = map(credential, trustMap, { ...context, actor }, trace)
  if (mapped.identity.actor === undefined) return { credential, ...mapped }
  trace.actor = actorRecord(actor)
  return { credential, actor, ...mapped }
}

/** Who acted, for the audit: only what was proven, and only where the identity is delegated to it. */
const actorRecord = ({ map: name, credential, identity }: Actor): NonNullable<Trace['actor']> => ({
  map: name,
  rule: identity.origin.rule,
  issuer: credential.issuer,
  subject: identity.subject,
})

const presenterOf = ({ certificate }: ExchangeRequest, client: Client): Presenter =>
  certificate === undefined ? { client } : { client, certificate }

const contextOf = ({ targets, scope = [] }: ExchangeRequest, client: Client, now: Instant, desk: Desk): Context => ({
  client,
  request: { targets, scope },
  now,
  version: desk.trust.version,
})

/**
 * Who acts for the subject: the actor that the request names, or else, where the map asks for one, the holder of the
 * certificate over which it came. A certificate that no map speaks for makes nobody an actor.
 */
const actorOf = async (
  request: ExchangeRequest,
  trustMap: TrustMap,
  presenter: Presenter,
  desk: Desk,
  now: Instant,
  trace: Trace,
): Promise<Actor | undefined> => {
  const credential = request.actor ?? (trustMap.readsActor ? ofConnection(request) : undefined)
  if (credential === undefined) return undefined
  const own = newTrace(trace.requestId, now, trace.detailed)
  try {
    const verified = await verify(credential, presenter, desk.sources, verifiers, desk.mayPresent, now, desk, own)
    const context = contextOf(request, presenter.client, now, desk)
    const { identity } = map(verified.credential, mapNamed(verified.map, desk), context, own)
    return { ...verified, type: credential.type, identity, isNamed: request.actor !== undefined }
  } catch (thrown) {
    if (request.actor === undefined && isVerdict(thrown)) return undefined
    throw isVerdict(thrown) ? new Refusal('actor.invalid', thrown.message, { cause: thrown }) : thrown
  } finally {
    for (const check of own.checks) trace.checks.push({ ...check, check: `actor: ${check.check}` })
  }
}

/** An outage says nothing about the actor, so it must not pass for a verdict. */
const isVerdict = (thrown: unknown): thrown is Refusal =>
  thrown instanceof Refusal && onTheWire(thrown.reason).status < 500

const ofConnection = ({ certificate }: ExchangeRequest): Credential | undefined =>
  certificate && { type: tokenTypes.x509Chain, raw: secret(textOfChain(certificate.chain)) }

const mapNamed = (name: string, desk: Desk): TrustMap => {
  const trustMap = desk.maps.get(name)
  if (trustMap === undefined) throw new Refusal('internal', `no trust map ${name}`)
  return trustMap
}
