import type { CredentialSource, Obtained } from '../domain/partner.ts'
import { type Reason, Refusal } from '../domain/refusal.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import type { Ports } from '../ports/ports.ts'
import { createCredentialsKept, type Kept, livesOf } from './credentials-kept.ts'
import type { ReadyErrand } from './errand.ts'
import type { PreparedCredential, PreparedPartner } from './prepared-partner.ts'
import type { Sealing } from './sealed.ts'
import { createStoredCredentials, type Stored } from './stored-credentials.ts'
import type { Turns } from './turns.ts'

/** A credential as it is given, and where it came from. */
export interface Given {
  readonly kept: Kept
  readonly from: CredentialSource
}

/** What keeping needs of a deployment. */
export interface KeepingTools {
  readonly ports: Pick<Ports, 'credentials' | 'digest' | 'log'>
  /** The first seals, and all of them open. */
  readonly sealing: () => readonly Sealing[]
  /** Loads, and again where nothing was answered and that does no harm. */
  readonly persist: (ready: ReadyErrand, load: () => Promise<Obtained>) => Promise<Obtained>
  readonly turns: Turns
}

/** Keeps what was obtained, here and for those who come later. */
export interface Keeping {
  /**
   * What is kept under the key of the errand, or what `load` yields, which all who ask meanwhile share.
   *
   * @throws Refusal what `load` throws, or has thrown a moment ago
   */
  keptOrNew(ready: ReadyErrand, load: () => Promise<Obtained>): Promise<Given>
  /** What is made anew for each is given the same form, and not kept. */
  made(obtained: Obtained, partner: PreparedPartner, now: Instant): Promise<Kept>
  /** A partner did not take what it had given: it is not given again. @returns was there anything to forget? */
  takeBack(partner: PreparedPartner, credentialId: string, now: Instant): boolean
}

/** What is asked for under one key is taken back at most so often, whatever a gateway says. */
const invalidatedFor: Seconds = 5

export const createKeeping = ({ ports, sealing, persist, turns }: KeepingTools): Keeping => {
  const kept = createCredentialsKept()
  const stored = createStoredCredentials(ports, sealing)
  const underWay = new Map<string, Promise<Kept>>()
  const invalidated = new Map<string, Instant>()

  /** What is kept under the key, or what `load` yields, which all who ask meanwhile share. */
  const keptOrNew = async (ready: ReadyErrand, load: () => Promise<Obtained>): Promise<Given> => {
    const { key, now } = ready
    const known = kept.get(key)
    if (known !== undefined && now < known.until) {
      const isDue = now >= known.renewAt && kept.refusalOf(key, now) === undefined
      if (isDue) void renewed(ready, load).catch(() => undefined)
      return { kept: known, from: 'kept' }
    }
    const refusal = kept.refusalOf(key, now)
    if (refusal !== undefined) return staleOr(known, refusal, now)
    const shared = known === undefined && !underWay.has(key) ? await fromStore(ready) : undefined
    if (shared !== undefined) return { kept: shared, from: 'shared' }
    try {
      return { kept: await renewed(ready, load), from: 'obtained' }
    } catch (thrown) {
      if (thrown instanceof Refusal) return staleOr(kept.get(key), thrown, now)
      throw thrown
    }
  }

  /** A new one, with all who want it at this moment. */
  const renewed = (ready: ReadyErrand, load: () => Promise<Obtained>): Promise<Kept> => {
    const awaited = underWay.get(ready.key)
    if (awaited !== undefined) return awaited
    const { isRepeatable } = ready.credential.obtainer
    const flight = (isRepeatable ? loaded(ready, load) : loadedInTurn(ready, load)).finally(() =>
      underWay.delete(ready.key),
    )
    underWay.set(ready.key, flight)
    return flight
  }

  const loadedInTurn = (ready: ReadyErrand, load: () => Promise<Obtained>): Promise<Kept> =>
    turns.inTurn(
      ready,
      () => fromStore(ready),
      () => loaded(ready, load),
    )

  const loaded = async (ready: ReadyErrand, load: () => Promise<Obtained>): Promise<Kept> => {
    const { credential, key, now } = ready
    try {
      const obtained = await persist(ready, load)
      const one = await keptOf({ obtained, obtainedAt: now }, ready)
      kept.keep(key, one)
      if (costsCalls(credential)) await stored.put(key, { obtained, obtainedAt: now }, one.until)
      return one
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown
      if (!isOutage(thrown)) kept.forget(key)
      if (thrown.reason.startsWith('partner.')) kept.remember(key, thrown, now)
      throw thrown
    }
  }

  const fromStore = async (ready: ReadyErrand): Promise<Kept | undefined> => {
    const { key, now, credential } = ready
    const found = costsCalls(credential) ? await stored.get(key, now) : undefined
    const one = found && (await keptOf(found, ready))
    if (one === undefined || now >= one.renewAt) return undefined
    kept.keep(key, one)
    return one
  }

  const keptOf = async (
    { obtained, obtainedAt }: Stored,
    { partner, secrets }: Pick<ReadyErrand, 'partner' | 'secrets'>,
  ): Promise<Kept> => {
    if (obtained.expiresAt !== undefined && obtained.expiresAt <= obtainedAt)
      throw new Refusal('partner.invalid_answer', 'what the partner gives has ended already')
    return {
      obtained,
      id: await fingerprint(obtained),
      partner: partner.name,
      secrets: [...secrets].map(([of, { version }]) => ({ of, version })),
      ...livesOf(obtained, { ...partner.cache, useStaleFor: partner.useStaleFor }, obtainedAt),
    }
  }

  const made = (obtained: Obtained, partner: PreparedPartner, now: Instant): Promise<Kept> =>
    keptOf({ obtained, obtainedAt: now }, { partner, secrets: new Map() })

  /** Made with a key of ours, so that whoever reads it cannot try which secret it is of. */
  const fingerprint = async ({ parts }: Obtained): Promise<string> => {
    const values = Object.entries(parts).map(([name, value]) => [name, value.reveal()])
    const key = sealing()[0]?.key ?? new Uint8Array()
    return (await ports.digest.sha256(JSON.stringify(['fingerprint', [...key], values]))).slice(0, 22)
  }

  const forgetAt = (key: string, { credential }: PreparedPartner, now: Instant): void => {
    invalidated.set(key, now)
    // Where nobody is asked, it was the secret itself that was not taken.
    if (!costsCalls(credential)) for (const { of, version } of kept.get(key)?.secrets ?? []) of.refuse(version, now)
    kept.forget(key)
    stored.forget(key)
  }

  return {
    keptOrNew,
    made,
    takeBack(partner, credentialId, now) {
      for (const [key, when] of invalidated) if (now >= when + invalidatedFor) invalidated.delete(key)
      const keys = kept.keysOf(partner.name, credentialId).filter((key) => !invalidated.has(key))
      for (const key of keys) forgetAt(key, partner, now)
      return keys.length > 0
    },
  }
}

const outages: ReadonlySet<Reason> = new Set<Reason>([
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
const costsCalls = ({ obtainer, config }: PreparedCredential): boolean => obtainer.endpoints(config).length > 0
