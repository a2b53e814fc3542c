import type { Grant } from '../domain/grant.ts'
import { type Obtained, type OutgoingRequest, obtainedAs, type PartnerCredential } from '../domain/partner.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Secret } from '../domain/secret.ts'
import type { Instant } from '../domain/time.ts'
import type { IssuedToken } from '../domain/token.ts'
import type { Trace } from '../domain/trace.ts'
import type { Ports } from '../ports/ports.ts'
import type { Outbound } from '../sources/outbound.ts'
import { type Errand, kindsOf, type ReadyErrand, readied, type SecretsInUse, secretsInUse } from './errand.ts'
import { createKeeping, type Given } from './keeping.ts'
import type { ObtainTools, SignedRequest, Statement } from './obtainer.ts'
import { createPartnerCalls, type PartnerCalls } from './partner-calls.ts'
import type { PreparedPartner } from './prepared-partner.ts'
import { createRemembering } from './remembered.ts'
import type { Sealing } from './sealed.ts'
import { createTurns } from './turns.ts'

/** What obtaining needs of a deployment. */
export interface ObtainingTools {
  /** Our issuer identifier. */
  readonly issuer: string
  readonly ports: Ports
  readonly outbound: Outbound
  readonly vouch: (statement: Statement, now: Instant) => Promise<Secret<string>>
  /** The first seals, and all of them open. */
  readonly sealing: () => readonly Sealing[]
}

/** What a credential is wanted for, and how a token of ours is made where that is what the partner accepts. */
export interface Petition {
  readonly grant: Grant
  /** Of the scopes that the document names only these; absent: all. */
  readonly scopes?: readonly string[]
  readonly mint: (grant: Grant) => Promise<IssuedToken>
}

/** Obtains credentials and keeps them. One for a deployment: it outlives the documents. */
export interface Obtaining {
  /**
   * Grant -> PartnerCredential.
   *
   * @throws Refusal `partner.*`, `secret.unavailable`, `identity.invalid`, `signer.unavailable`
   */
  obtain(partner: PreparedPartner, petition: Petition, now: Instant, trace: Trace): Promise<PartnerCredential>
  /** @throws Refusal `partner.*`, `secret.unavailable` */
  sign(
    partner: PreparedPartner,
    credential: PartnerCredential,
    request: OutgoingRequest,
    now: Instant,
  ): Promise<SignedRequest>
  /**
   * A partner did not take a credential that it had given: it is not given again. Where nothing is obtained, it was the
   * secret that was not taken, and its other slot counts.
   *
   * @returns was there anything to forget?
   */
  invalidate(partner: PreparedPartner, credentialId: string, now: Instant): boolean
}

/** Once for each slot of a secret. */
const maxTurns = 2
export const createObtaining = (tools: ObtainingTools): Obtaining => {
  const { ports, outbound, issuer, sealing } = tools
  const remembering = createRemembering(ports, sealing)
  const calls = new Map<string, PartnerCalls>()
  /** Refusals of a credential that another rests on: they say nothing about the secrets of that other. */
  const ofInner = new WeakSet<Refusal>()

  const callsOf = ({ name, calls: settings }: PreparedPartner): PartnerCalls => {
    const key = JSON.stringify([name, settings])
    const known = calls.get(key) ?? createPartnerCalls(name, settings, outbound, ports.meters)
    calls.set(key, known)
    return known
  }

  const keeping = createKeeping({
    ports,
    sealing,
    persist: ({ partner, credential }, load) =>
      credential.obtainer.isRepeatable ? callsOf(partner).persist(load) : load(),
    turns: createTurns(ports, remembering),
  })

  const given = async (errand: Errand, turn = 1): Promise<Given> => {
    const ready = await readied(errand, ports.digest)
    try {
      return await keeping.keptOrNew(ready, () => attempt(ready))
    } catch (thrown) {
      // A secret in two slots may have become another one at the partner's a moment ago.
      const isOurs = isAboutSecrets(thrown, errand) && !ofInner.has(thrown)
      if (isOurs && refuseSecrets(ready) && turn < maxTurns) return given(errand, turn + 1)
      throw thrown
    }
  }

  const attempt = (ready: ReadyErrand): Promise<Obtained> => {
    const { partner, credential, secrets, need } = ready
    for (const [{ name }, { slot }] of secrets)
      ports.meters.count('dragoman_secret_used_total', { partner: partner.name, secret: name, slot })
    return credential.obtainer.obtain(need, credential.prepared, toolsFor(ready))
  }

  const toolsFor = (ready: ReadyErrand): ObtainTools => {
    const { partner, credential, path, now, key, secrets } = ready
    const { from } = credential
    return {
      ...signingTools(partner.name, secrets, now),
      send: (request, limits) => callsOf(partner).send(request, limits),
      hasInner: from !== undefined,
      inner: () => (from === undefined ? unneeded() : innerOf({ ...ready, credential: from, path: `${path}.from` })),
      async hop(name, inputs, load) {
        const hopKey = await ports.digest.sha256(JSON.stringify(['hop', key, name, inputs]))
        return (await keeping.keptOrNew({ ...ready, key: hopKey }, load)).kept.obtained
      },
      vouch: (statement) => tools.vouch(statement, now),
      remembered: remembering(ready),
    }
  }

  const innerOf = async (errand: Errand): Promise<Obtained> => {
    try {
      return (await given(errand)).kept.obtained
    } catch (thrown) {
      if (thrown instanceof Refusal) ofInner.add(thrown)
      throw thrown
    }
  }

  /** What signs asks nobody. */
  const signingTools = (partner: string, secrets: SecretsInUse, now: Instant): ObtainTools => ({
    partner,
    issuer,
    now,
    ports,
    send: unneeded,
    hasInner: false,
    inner: unneeded,
    hop: unneeded,
    vouch: unneeded,
    remembered: { read: unneeded, write: unneeded },
    secret(of) {
      const inUse = secrets.get(of)
      if (inUse === undefined) throw new Refusal('internal', `${of.name} is not named among the secrets`)
      return inUse.value
    },
  })

  /** @returns is there another slot to try? */
  const refuseSecrets = ({ secrets, partner, now }: ReadyErrand): boolean => {
    let isAnother = false
    for (const [of, { version, slot }] of secrets) {
      ports.meters.count('dragoman_secret_refused_total', { partner: partner.name, secret: of.name, slot })
      if (of.refuse(version, now)) isAnother = true
    }
    return isAnother
  }

  return {
    async obtain(partner, { grant, scopes, mint }, now, trace) {
      const { credential } = partner
      const { obtainer } = credential
      trace.partner = partner.name
      trace.credentialKinds = kindsOf(credential)
      const errand = { partner, credential, path: '', identity: grant.identity, now, ...(scopes && { scopes }) }
      const { kept: one, from } =
        obtainer.issue === undefined
          ? await given(errand)
          : { kept: await keeping.made(await obtainer.issue(grant, mint), partner, now), from: 'made' as const }
      trace.credentialId = one.id
      trace.credentialFrom = from
      ports.meters.count('dragoman_partner_credentials_total', { partner: partner.name, source: from })
      return obtainedAs({
        ...one.obtained,
        partner: partner.name,
        kind: obtainer.kind,
        id: one.id,
        goodUntil: from === 'stale' ? one.lastUntil : one.until,
        from,
      })
    },

    async sign(partner, credential, request, now) {
      const { obtainer, prepared } = partner.credential
      if (obtainer.sign === undefined) throw new Refusal('internal', `${obtainer.kind} signs nothing`)
      const secrets = await secretsInUse(partner.credential, now)
      return obtainer.sign(request, credential, prepared, signingTools(partner.name, secrets, now))
    },

    invalidate: (partner, credentialId, now) => keeping.takeBack(partner, credentialId, now),
  }
}

const unneeded = () => Promise.reject(new Refusal('internal', 'this credential asks nobody for anything'))

/**
 * Did the partner not take our secret? Where it is asked for one identity, that it refuses may be about that identity, and
 * only what it says of the secret counts.
 */
const isAboutSecrets = (thrown: unknown, { credential }: Errand): thrown is Refusal =>
  thrown instanceof Refusal &&
  (thrown.reason === 'partner.unauthenticated' || (thrown.reason === 'partner.refused' && !credential.isPerIdentity))
