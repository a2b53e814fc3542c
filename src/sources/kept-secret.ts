import { Refusal } from '../domain/refusal.ts'
import type { Secret } from '../domain/secret.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import { type PresentedSecret, placeText, type SecretPlace } from '../formats/secret-settings.ts'
import type { Ports } from '../ports/ports.ts'
import { keptFresh } from './kept-fresh.ts'
import type { Vault } from './vault-secrets.ts'

/** A secret as it is presented now. */
export interface SecretInUse {
  readonly value: Secret<string>
  /** A digest: what was obtained with another version was obtained with another secret. Not for showing. */
  readonly version: string
  readonly slot: Slot
}

export type Slot = 'first' | 'second'

/** A secret of ours that is presented to somebody else: one value, or two while one takes the place of the other. */
export interface KeptSecret {
  /** What it is for, from the documents. */
  readonly name: string
  /** @throws Refusal `secret.unavailable` */
  read(now: Instant): Promise<SecretInUse>
  /**
   * Somebody did not take this version. The other slot counts from then on, unless it holds the same or was not taken
   * either.
   *
   * @returns will `read` give another one now?
   */
  refuse(version: string, now: Instant): boolean
}

export interface SecretTools {
  readonly ports: Pick<Ports, 'secrets' | 'digest' | 'clock' | 'log'>
  /** Absent: no Vault is known. */
  readonly vault?: Vault
}

/** How long both slots are left alone when neither was taken, before the first is tried again. */
const rest: Seconds = 60

interface Reading {
  readonly value: Secret<string>
  readonly version: string
}

type Reader = (now: Instant) => Promise<Reading>

/**
 * Opens a secret. What lies in a file or in the environment must be there; Vault may be down and is asked at use.
 *
 * @throws Error that says which is missing
 */
export const openKeptSecret = async (
  places: PresentedSecret,
  tools: SecretTools,
  name: string,
): Promise<KeptSecret> => {
  const readers = await Promise.all(places.map((place) => openPlace(place, tools, name)))
  const refused = new Map<string, Instant>()

  const readAt = async (slot: Slot, now: Instant): Promise<SecretInUse | undefined> => {
    const reader = readers[slot === 'first' ? 0 : 1]
    return reader && { ...(await reader(now)), slot }
  }
  /** Undefined: there is no such slot, or it cannot be read while another can. */
  const attempt = async (slot: Slot, now: Instant): Promise<SecretInUse | Refusal | undefined> => {
    try {
      return await readAt(slot, now)
    } catch (thrown) {
      if (thrown instanceof Refusal) return thrown
      throw thrown
    }
  }
  const known: { versions: readonly string[] } = { versions: [] }

  return {
    name,
    async read(now) {
      const slots = [await attempt('first', now), await attempt('second', now)]
      const there = slots.flatMap((one) => (one === undefined || one instanceof Refusal ? [] : [one]))
      known.versions = there.map(({ version }) => version)
      for (const version of refused.keys()) if (!known.versions.includes(version)) refused.delete(version)
      const good = there.find(({ version }) => !refused.has(version)) ?? there[0]
      if (good === undefined) throw slots.find((one) => one instanceof Refusal) ?? unavailable(name, 'nothing is there')
      const since = refused.get(good.version)
      if (since !== undefined && now >= since + rest) refused.clear()
      return good
    },
    refuse(version, now) {
      const others = known.versions.filter((other) => other !== version)
      if (!refused.has(version)) refused.set(version, now)
      return others.some((other) => !refused.has(other))
    },
  }
}

const unavailable = (name: string, why: string, cause?: unknown) =>
  new Refusal('secret.unavailable', `${name}: ${why}`, { cause })

const freshFor: Seconds = 10
const staleFor: Seconds = 3_600

const openPlace = async (place: SecretPlace, tools: SecretTools, name: string): Promise<Reader> => {
  if ('keyRef' in place) return inVault(place, tools, name)
  const { secrets, digest, clock, log } = tools.ports
  const load = async (): Promise<Reading> => readingOf(await secrets.read(place), digest)
  const first = await load()
  if (!('file' in place)) return () => Promise.resolve(first)
  const source = keptFresh<Reading>({
    load: async () => ({ value: await load(), freshFor }),
    staleFor,
    cooldown: 5,
    onFailure: (_error, state) =>
      log.warn('a secret could not be read again', { secret: name, place: placeText(place), left: state }),
  })
  await source.get(clock.now())
  return async (now) => {
    try {
      return (await source.get(now)).value
    } catch (cause) {
      throw unavailable(name, `${placeText(place)} cannot be read`, cause)
    }
  }
}

const inVault = (
  place: Extract<SecretPlace, { keyRef: unknown }>,
  { vault, ports }: SecretTools,
  name: string,
): Reader => {
  if (vault === undefined) throw new Error(`${placeText(place)}: no Vault is known; start with --vault-address`)
  return async (now) => {
    try {
      return await readingOf(await vault.read(place.keyRef, now), ports.digest)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : 'no reason given'
      throw unavailable(name, `${placeText(place)} cannot be read: ${why}`, cause)
    }
  }
}

const readingOf = async (value: Secret<string>, digest: Ports['digest']): Promise<Reading> => ({
  value,
  version: (await digest.sha256(`dragoman secret\n${value.reveal()}`)).slice(0, 16),
})
