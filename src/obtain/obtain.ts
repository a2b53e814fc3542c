import type { Grant } from '../domain/grant.ts'
import type { CanonicalIdentity } from '../domain/identity.ts'
import {
  type CredentialSource,
  type Obtained,
  type OutgoingRequest,
  obtainedAs,
  type PartnerCredential,
} from '../domain/partner.ts'
import { Refusal } from '../domain/refusal.ts'
import { type Secret, secret } from '../domain/secret.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import type { IssuedToken } from '../domain/token.ts'
import type { Trace } from '../domain/trace.ts'
import type { Ports } from '../ports/ports.ts'
import type { KeptSecret, SecretInUse } from '../sources/kept-secret.ts'
import type { Outbound } from '../sources/outbound.ts'
import { createCredentialsKept, type Kept, livesOf } from './credentials-kept.ts'
import type { Need, ObtainTools, SignedRequest, Statement } from './obtainer.ts'
import { createPartnerCalls, type PartnerCalls } from './partner-calls.ts'
import { apart, partyOf } from './party.ts'
import type { PreparedCredential, PreparedPartner } from './prepared-partner.ts'
import { type Sealing, seal, unseal } from './sealed.ts'
import { readStored, writeStored } from './stored-credential.ts'

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

/** One request for one credential, or for one that it rests on. */
interface Errand {
  readonly partner: PreparedPartner
  readonly credential: PreparedCredential
  /** Where it stands: the partner's own, `from`, `from.from`. */
  readonly path: string
  readonly identity: CanonicalIdentity
  readonly scopes?: readonly string[]
  readonly now: Instant
}

interface Given {
  readonly kept: Kept
  readonly from: CredentialSource
}

/** Once for each slot of a secret. */
const maxTurns = 2
/** A credential is taken back at most so often, whatever a gateway says. */
const invalidatedFor: Seconds = 5

export const createObtaining = (tools: ObtainingTools): Obtaining => {
  const { ports, outbound, issuer } = tools
  const kept = createCredentialsKept()
  const underWay = new Map<string, Promise<Kept>>()
  const calls = new Map<string, PartnerCalls>()
  const invalidations = new Map<string, Instant>()

  const callsOf = ({ name, calls: settings }: PreparedPartner): PartnerCalls => {
    const key = JSON.stringify([name, settings])
    const known = calls.get(key) ?? createPartnerCalls(name, settings, outbound, ports.meters)
    calls.set(key, known)
    return known
  }

  const given = async (errand: Errand, turn = 1): Promise<Given> => {
    const secrets = await secretsInUse(errand)
    const need = needOf(errand)
    const key = await keyOf(errand, secrets, need, ports)
    try {
      return await atKey(key, errand, () => attempt(errand, need, secrets, key))
    } catch (thrown) {
      // A secret in two slots may have become another one at the partner's a moment ago.
      if (turn < maxTurns && isRefused(thrown) && refuseSecrets(secrets, errand)) return given(errand, turn + 1)
      throw thrown
    }
  }

  /** What is kept under `key`, or what `load` yields, which all who ask meanwhile share. */
  const atKey = async (key: string, errand: Errand, load: () => Promise<Obtained>): Promise<Given> => {
    const { now } = errand
    const known = kept.get(key)
    if (known !== undefined && now < known.until) {
      const isDue = now >= known.renewAt && kept.refusalOf(key, now) === undefined
      if (isDue) void renewed(key, errand, load).catch(() => undefined)
      return { kept: known, from: 'kept' }
    }
    const refusal = kept.refusalOf(key, now)
    if (refusal !== undefined) return staleOr(known, refusal, now)
    const shared = known === undefined && !underWay.has(key) ? await fromStore(key, errand) : undefined
    if (shared !== undefined) return { kept: shared, from: 'shared' }
    try {
      return { kept: await renewed(key, errand, load), from: 'obtained' }
    } catch (thrown) {
      if (thrown instanceof Refusal && isOutage(thrown)) return staleOr(kept.get(key), thrown, now)
      throw thrown
    }
  }

  /** A new one, with all who want it at this moment. */
  const renewed = (key: string, errand: Errand, load: () => Promise<Obtained>): Promise<Kept> => {
    const awaited = underWay.get(key)
    if (awaited !== undefined) return awaited
    const flight = loaded(key, errand, load).finally(() => underWay.delete(key))
    underWay.set(key, flight)
    return flight
  }

  const loaded = async (key: string, errand: Errand, load: () => Promise<Obtained>): Promise<Kept> => {
    const { partner, credential, now } = errand
    try {
      const { obtainer } = credential
      const obtained = await (obtainer.isRepeatable ? callsOf(partner).persist(load) : load())
      const one = await keptOf(obtained, errand)
      kept.keep(key, one)
      if (isWorthStoring(errand)) await toStore(key, obtained, one, now)
      return one
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown
      if (!isOutage(thrown)) kept.forget(key)
      if (thrown.reason.startsWith('partner.')) kept.remember(key, thrown, now)
      throw thrown
    }
  }

  const keptOf = async (obtained: Obtained, { partner, now }: Errand): Promise<Kept> => {
    if (obtained.expiresAt !== undefined && obtained.expiresAt <= now)
      throw new Refusal('partner.invalid_answer', 'what the partner gives has ended already')
    const { cache, useStaleFor } = partner
    return { obtained, id: await fingerprint(obtained), ...livesOf(obtained, { ...cache, useStaleFor }, now) }
  }

  /** Made with a key of ours, so that whoever reads it cannot try which secret it is of. */
  const fingerprint = async ({ parts }: Obtained): Promise<string> => {
    const values = Object.entries(parts).map(([name, value]) => [name, value.reveal()])
    const key = tools.sealing()[0]?.key ?? new Uint8Array()
    return (await ports.digest.sha256(JSON.stringify(['fingerprint', [...key], values]))).slice(0, 22)
  }

  const fromStore = async (key: string, errand: Errand): Promise<Kept | undefined> => {
    if (!isWorthStoring(errand)) return undefined
    const sealed = await ports.credentials.get(key, errand.now).catch(() => undefined)
    const text = sealed === undefined ? undefined : await unseal(key, sealed, tools.sealing())
    const stored = text === undefined ? undefined : readStored(text)
    if (stored === undefined) return undefined
    const { cache, useStaleFor } = errand.partner
    const lives = livesOf(stored.obtained, { ...cache, useStaleFor }, stored.obtainedAt)
    if (errand.now >= lives.renewAt) return undefined
    const one = { obtained: stored.obtained, id: await fingerprint(stored.obtained), ...lives }
    kept.keep(key, one)
    return one
  }

  /** A store that is down costs another call later and nothing now. */
  const toStore = async (key: string, obtained: Obtained, { until }: Kept, now: Instant): Promise<void> => {
    if (tools.sealing().length === 0) return
    try {
      await ports.credentials.put(key, await seal(key, writeStored(obtained, now), tools.sealing()), until, now)
    } catch {
      ports.log.warn('the store of credentials cannot be written')
    }
  }

  const attempt = (
    errand: Errand,
    need: Need,
    secrets: ReadonlyMap<KeptSecret, SecretInUse>,
    key: string,
  ): Promise<Obtained> => {
    const { partner, credential } = errand
    for (const [{ name }, { slot }] of secrets)
      ports.meters.count('dragoman_secret_used_total', { partner: partner.name, secret: name, slot })
    return credential.obtainer.obtain(need, credential.prepared, toolsFor(errand, secrets, key))
  }

  const toolsFor = (errand: Errand, secrets: ReadonlyMap<KeptSecret, SecretInUse>, key: string): ObtainTools => {
    const { partner, credential, path, now } = errand
    return {
      partner: partner.name,
      issuer,
      now,
      ports,
      send: (request, limits) => callsOf(partner).send(request, limits),
      secret(of) {
        const inUse = secrets.get(of)
        if (inUse === undefined) throw new Refusal('internal', `${of.name} is not named among the secrets`)
        return inUse.value
      },
      hasInner: credential.from !== undefined,
      async inner() {
        if (credential.from === undefined) throw new Refusal('internal', 'there is no other credential to rest on')
        return (await given({ ...errand, credential: credential.from, path: `${path}.from` })).kept.obtained
      },
      async hop(name, inputs, load) {
        const hopKey = await ports.digest.sha256(JSON.stringify(['hop', key, name, inputs]))
        return (await atKey(hopKey, errand, load)).kept.obtained
      },
      vouch: (statement) => tools.vouch(statement, now),
      remembered: rememberedBy(errand),
    }
  }

  const rememberedBy = ({ partner, path, now }: Errand): ObtainTools['remembered'] => {
    const nameOf = (name: string) => ports.digest.sha256(JSON.stringify(['remembered', partner.name, path, name]))
    return {
      async read(name) {
        const at = await nameOf(name)
        const sealed = await fromDurable(() => ports.credentials.get(at, now))
        const text = sealed === undefined ? undefined : await unseal(at, sealed, tools.sealing())
        return text === undefined ? undefined : secret(text)
      },
      async write(name, value) {
        const at = await nameOf(name)
        const sealed = await seal(at, value.reveal(), tools.sealing())
        await fromDurable(() => ports.credentials.put(at, sealed, Number.POSITIVE_INFINITY, now))
      },
    }
  }

  /** Where nobody is asked, it is the secret itself that was not taken. */
  const refuseAll = (partner: PreparedPartner, now: Instant): void => {
    for (const of of partner.credential.secrets) of.refuse(of.inUse() ?? '', now)
  }

  const refuseSecrets = (secrets: ReadonlyMap<KeptSecret, SecretInUse>, { partner, now }: Errand): boolean => {
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
      trace.partner = partner.name
      trace.credentialKinds = kindsOf(credential)
      const errand = { partner, credential, path: '', identity: grant.identity, now, ...(scopes && { scopes }) }
      const { obtainer } = credential
      const { kept: one, from } =
        obtainer.issue === undefined
          ? await given(errand)
          : { kept: await keptOf(await obtainer.issue(grant, mint), errand), from: 'made' as const }
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
      const errand = { partner, credential: partner.credential, path: '', now }
      const secrets = await secretsInUse(errand)
      const unneeded = () => Promise.reject(new Refusal('internal', 'a signature asks nobody'))
      return obtainer.sign(request, credential, prepared, {
        partner: partner.name,
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
    },

    invalidate(partner, credentialId, now) {
      const at = `${partner.name} ${credentialId}`
      const last = invalidations.get(at)
      if (last !== undefined && now < last + invalidatedFor) return false
      for (const [other, when] of invalidations) if (now >= when + invalidatedFor) invalidations.delete(other)
      const keys = kept.keysOf(credentialId)
      if (keys.length === 0) return false
      invalidations.set(at, now)
      if (!isWorthStoring(partner)) refuseAll(partner, now)
      for (const key of keys) {
        kept.forget(key)
        void ports.credentials.delete(key).catch(() => undefined)
      }
      return true
    },
  }
}

const kindsOf = ({ obtainer, from }: PreparedCredential): readonly string[] => [
  obtainer.kind,
  ...(from === undefined ? [] : kindsOf(from)),
]

const secretsInUse = async ({
  credential,
  now,
}: Pick<Errand, 'credential' | 'now'>): Promise<ReadonlyMap<KeptSecret, SecretInUse>> =>
  new Map(await Promise.all(credential.secrets.map(async (of) => [of, await of.read(now)] as const)))

/** Who names nobody hears of nobody. */
const needOf = ({ credential, identity, partner, scopes }: Errand): Need => {
  const { obtainer, config } = credential
  return {
    ...(obtainer.namesParty(config) ? { party: partyOf(identity, partner.release) } : {}),
    ...(scopes === undefined ? {} : { scopes }),
  }
}

/**
 * The digest of everything that a credential depends on. What it rests on is obtained with the same identity under the
 * same document, and with secrets whose versions are in here too.
 */
const keyOf = async (
  { partner, credential, path, identity, now }: Errand,
  secrets: ReadonlyMap<KeptSecret, SecretInUse>,
  need: Need,
  { digest }: Ports,
): Promise<string> =>
  digest.sha256(
    JSON.stringify([
      partner.name,
      partner.revision,
      path,
      [...secrets.values()].map(({ version }) => version),
      await versionsBelow(credential.from, now),
      need,
      credential.isPerIdentity ? [apart(identity), partyBelow(credential.from, identity, partner)] : null,
    ]),
  )

const versionsBelow = async (credential: PreparedCredential | undefined, now: Instant): Promise<readonly string[]> => {
  if (credential === undefined) return []
  const own = await secretsInUse({ credential, now })
  return [...[...own.values()].map(({ version }) => version), ...(await versionsBelow(credential.from, now))]
}

/** What the credentials below say of the identity is part of what comes of them. */
const partyBelow = (
  credential: PreparedCredential | undefined,
  identity: CanonicalIdentity,
  partner: PreparedPartner,
): unknown => {
  if (credential === undefined) return null
  const { obtainer, config, from } = credential
  const own = obtainer.namesParty(config) ? partyOf(identity, partner.release) : null
  return [own, partyBelow(from, identity, partner)]
}

const isRefused = (thrown: unknown): boolean => thrown instanceof Refusal && thrown.reason === 'partner.refused'

const outages: ReadonlySet<string> = new Set([
  'partner.unavailable',
  'partner.timeout',
  'partner.overloaded',
  'partner.circuit_open',
])

const isOutage = ({ reason }: Refusal): boolean => outages.has(reason)

/** The old one, where the partner is merely down and it has not really ended. */
const staleOr = (known: Kept | undefined, refusal: Refusal, now: Instant): Given => {
  if (known === undefined || now >= known.lastUntil || !isOutage(refusal)) throw refusal
  return { kept: known, from: 'stale' }
}

/** What costs no call is not worth the store. */
const isWorthStoring = ({ credential }: Pick<Errand, 'credential'>): boolean =>
  credential.obtainer.endpoints(credential.config).length > 0

const fromDurable = async <T>(act: () => Promise<T>): Promise<T> => {
  try {
    return await act()
  } catch (cause) {
    throw new Refusal('store.unavailable', 'the store of credentials does not answer', { cause })
  }
}
