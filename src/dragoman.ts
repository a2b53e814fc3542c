import { authenticate } from './authenticate/authenticate.ts'
import { verifiers } from './catalog.ts'
import type { Desk } from './desk.ts'
import type { Client } from './domain/client.ts'
import type { VerifiedCredential } from './domain/credential.ts'
import type { ExchangeRequest } from './domain/exchange.ts'
import { Refusal } from './domain/refusal.ts'
import type { Instant } from './domain/time.ts'
import type { IssuedToken } from './domain/token.ts'
import type { Trace } from './domain/trace.ts'
import { grant } from './grant/grant.ts'
import { map } from './map/map.ts'
import type { Mapped, TrustMap } from './map/trust-map.ts'
import { mint } from './mint/mint.ts'
import { verify } from './verify/verify.ts'

/**
 * The journey: a foreign credential goes in, a canonical token comes out. Each step turns one noun into the next, and
 * only that step can make it, so none can be left out.
 *
 * @throws Refusal with the reason why not
 */
export const exchange = async (request: ExchangeRequest, desk: Desk, trace: Trace): Promise<IssuedToken> => {
  const { clock, ids } = desk.ports
  const now = clock.now()
  trace.version = desk.trust.version

  const client = await authenticate(request.client, desk.registrations, now, desk, trace)
  const { credential, identity, allowance } = await appraise(request, client, desk, now, trace)
  const granted = grant({ request, credential, identity, allowance, client }, ids.next(), now, trace)
  return mint(granted, desk.keyring(), { issuer: desk.issuer, now, ports: desk.ports, trust: desk.trust }, trace)
}

/** What a credential proves and who its subject is here: the part of the journey that `explain` walks without a caller. */
export interface Appraisal extends Mapped {
  readonly credential: VerifiedCredential
}

/** Credential -> CanonicalIdentity, for a client that is known. */
export const appraise = async (
  request: ExchangeRequest,
  client: Client,
  desk: Desk,
  now: Instant,
  trace: Trace,
): Promise<Appraisal> => {
  const verified = await verify(request.subject, client, desk.sources, verifiers, desk.mayPresent, now, desk, trace)
  const facts = { targets: request.targets, scope: request.scope ?? [] }
  const context = { client, request: facts, now, version: desk.trust.version }
  const mapped = map(verified.credential, mapNamed(verified.map, desk), context, trace)
  return { credential: verified.credential, ...mapped }
}

const mapNamed = (name: string, desk: Desk): TrustMap => {
  const trustMap = desk.maps.get(name)
  if (trustMap === undefined) throw new Refusal('internal', `no trust map ${name}`)
  return trustMap
}
