import { verifiers } from './catalog.ts'
import type { Desk } from './desk.ts'
import type { Client } from './domain/client.ts'
import type { Credential, VerifiedCredential } from './domain/credential.ts'
import type { Wish } from './domain/exchange.ts'
import { onTheWire, Refusal } from './domain/refusal.ts'
import { secret } from './domain/secret.ts'
import type { Instant } from './domain/time.ts'
import { tokenTypes } from './domain/token-type.ts'
import { newTrace, type Trace } from './domain/trace.ts'
import { textOfChain } from './formats/x509-chain-text.ts'
import { type Actor, type Context, map } from './map/map.ts'
import type { Mapped, TrustMap } from './map/trust-map.ts'
import type { Lasting } from './verify/verifier.ts'
import { type Presenter, type Verified, verify } from './verify/verify.ts'

/** What a credential proves and who its subject is here: the part of the journey that `explain` walks without a caller. */
export interface Appraisal extends Mapped {
  readonly credential: VerifiedCredential
  /** There when the identity is delegated to it. */
  readonly actor?: Actor
  /** For how long the same would come out for the same request; undefined: nobody can tell without going through it. */
  lasting(): Lasting | undefined
}

/** Credential -> CanonicalIdentity, for a client that is known and the actor that it presents, if any. */
export const appraise = async (
  request: Wish,
  client: Client,
  desk: Desk,
  now: Instant,
  trace: Trace,
): Promise<Appraisal> => {
  const presenter = presenterOf(request, client)
  const verified = await verify(request.subject, presenter, desk.sources, verifiers, desk.mayPresent, now, desk, trace)
  const trustMap = mapNamed(verified.map, desk)
  const acting = actingIn(request, trustMap)
  const actor = await actorOf(acting, request, presenter, desk, now, trace)
  const context = contextOf(request, client, now, desk)
  const { credential } = verified
  const mapped = map(credential, trustMap, actor === undefined ? context : { ...context, actor }, trace)
  const lasting = () => (acting === undefined && !trustMap.readsNow ? bounded(verified, mapped) : undefined)
  if (actor === undefined || mapped.identity.actor === undefined) return { credential, ...mapped, lasting }
  trace.actor = actorRecord(actor)
  return { credential, actor, ...mapped, lasting }
}

/** What a credential proves lasts, but not beyond the rule that spoke. */
const bounded = (verified: Verified, { until = Number.POSITIVE_INFINITY }: Mapped): Lasting | undefined => {
  const lasting = verified.lasting()
  return lasting && { ...lasting, until: Math.min(lasting.until, until) }
}

/** Who acted, for the audit: only what was proven, and only where the identity is delegated to it. */
const actorRecord = ({ map: name, credential, identity }: Actor): NonNullable<Trace['actor']> => ({
  map: name,
  rule: identity.origin.rule,
  issuer: credential.issuer,
  subject: identity.subject,
})

const presenterOf = ({ certificate }: Wish, client: Client): Presenter =>
  certificate === undefined ? { client } : { client, certificate }

const contextOf = ({ targets, scope = [], gateway }: Wish, client: Client, now: Instant, desk: Desk): Context => ({
  client,
  request: { targets, scope },
  now,
  version: desk.trust.version,
  ...(gateway === undefined ? {} : { gateway }),
})

/**
 * What the party presents that acts for the subject: what the request names, or else, where the map asks for an actor, the
 * certificate over which it came.
 */
const actingIn = ({ actor, certificate }: Wish, { readsActor }: TrustMap): Credential | undefined => {
  if (actor !== undefined || !readsActor || certificate === undefined) return actor
  return { type: tokenTypes.x509Chain, raw: secret(textOfChain(certificate.chain)) }
}

/** Who that party is. A certificate that no map speaks for makes nobody an actor. */
const actorOf = async (
  credential: Credential | undefined,
  request: Wish,
  presenter: Presenter,
  desk: Desk,
  now: Instant,
  trace: Trace,
): Promise<Actor | undefined> => {
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

const mapNamed = (name: string, desk: Desk): TrustMap => {
  const trustMap = desk.maps.get(name)
  if (trustMap === undefined) throw new Refusal('internal', `no trust map ${name}`)
  return trustMap
}
