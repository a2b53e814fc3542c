import type { Instant, Seconds } from '../domain/time.ts'

/** What a load yields, and for how long it counts as fresh. */
export interface Loaded<T> {
  readonly value: T
  /** From when it was got. `Infinity`: it cannot change. */
  readonly freshFor: Seconds
  /** When it was got, where that was before this load began. */
  readonly loadedAt?: Instant
}

/** The value that a caller may use. */
export interface Held<T> {
  readonly value: T
  /** It is past its freshness and could not be renewed. */
  readonly stale: boolean
  /** The last attempt to renew it failed. */
  readonly failing: boolean
  /** The caller has waited for a load, so there is nothing newer to be had. */
  readonly justLoaded: boolean
}

export type FreshnessState = 'fresh' | 'stale' | 'missing'

/** What is fetched before the first request and watched for readiness. */
export interface Watched {
  /** Fetches now unless fresh. Never throws; failures are logged and seen in `state`. */
  prefetch(now: Instant): Promise<void>
  state(now: Instant): FreshnessState
}

/** A value from elsewhere that is kept fresh as it is asked for. It has no timers, so it lives on any runtime. */
export interface KeptFresh<T> {
  /** The value. Rejects with the load's error when there is none that may be used. */
  get(now: Instant): Promise<Held<T>>
  /** What `get` would yield without waiting for a load; undefined where it would wait or fail. Begins what `get` begins. */
  atOnce(now: Instant): Held<T> | undefined
  /** Loads again although the value is fresh, at most once a cooldown; whoever asks meanwhile shares the outcome. */
  refresh(now: Instant): Promise<Held<T>>
  state(now: Instant): FreshnessState
}

export interface KeptFreshSettings<T> {
  /**
   * Throws rather than yield something empty: what it yields replaces what is known. A forced load is one that `refresh`
   * has begun.
   */
  readonly load: (now: Instant, forced: boolean) => Promise<Loaded<T>>
  /** The outage budget: how long after the last successful load the value may be used when it cannot be renewed. */
  readonly staleFor: Seconds
  /** The least time between a failed attempt and the next, and between two forced ones. Default 30. */
  readonly cooldown?: Seconds
  /** Hears of every failed attempt, and of what is left. */
  readonly onFailure: (error: unknown, state: FreshnessState) => void
}

const defaultCooldown: Seconds = 30
/** With nothing known every request fails, so the next attempt comes sooner. */
const coldCooldown: Seconds = 5
/** A value is renewed in the background once this share of its freshness has passed. */
const refreshAfter = 0.8
/** A load that takes longer is given up for lost: a runtime may have dropped it with the request that began it. */
const patience: Seconds = 60

interface Known<T> extends Loaded<T> {
  /** When it was got or else when its load began: it may be as old as that. */
  readonly loadedAt: Instant
}

interface Flight {
  readonly startedAt: Instant
  readonly done: Promise<void>
}

/** All that changes about one value. */
interface Keeping<T> {
  readonly settings: KeptFreshSettings<T>
  readonly cooldown: Seconds
  known: Known<T> | undefined
  flight: Flight | undefined
  failure: { readonly at: Instant; readonly error: Error } | undefined
  forcedAt: Instant
}

/**
 * Keeps what `load` yields. All who wait share one load. A fresh value is given at once and renewed ahead of time; past
 * its freshness callers wait for the one renewal; when that fails they get the last known value as long as the outage
 * budget lasts, and nothing is attempted before the cooldown ends. A failed load never removes what is known.
 */
export const keptFresh = <T>(settings: KeptFreshSettings<T>): KeptFresh<T> => {
  const keeping: Keeping<T> = {
    settings,
    cooldown: settings.cooldown ?? defaultCooldown,
    known: undefined,
    flight: undefined,
    failure: undefined,
    forcedAt: Number.NEGATIVE_INFINITY,
  }
  const atOnce = (now: Instant): Held<T> | undefined => {
    const state = stateOf(keeping, now)
    if ((state !== 'fresh' || isDueForRenewal(keeping, now)) && mayBegin(keeping, now)) begin(keeping, now, false)
    const waits = state === 'missing' || (state === 'stale' && keeping.flight !== undefined)
    return waits ? undefined : held(keeping, now, false)
  }
  return {
    state: (now) => stateOf(keeping, now),
    atOnce,
    get(now) {
      const known = atOnce(now)
      return known === undefined ? afterFlight(keeping, now) : Promise.resolve(known)
    },
    refresh(now) {
      if (mayForce(keeping, now) && mayBegin(keeping, now)) {
        keeping.forcedAt = now
        begin(keeping, now, true)
      }
      return afterFlight(keeping, now)
    },
  }
}

/** `source` as something to be watched. */
export const watched = <T>(source: KeptFresh<T>): Watched => ({
  prefetch: (now) =>
    source.get(now).then(
      () => undefined,
      () => undefined,
    ),
  state: (now) => source.state(now),
})

const stateOf = <T>({ known, settings }: Keeping<T>, now: Instant): FreshnessState => {
  if (known === undefined) return 'missing'
  if (now < known.loadedAt + known.freshFor) return 'fresh'
  return now < known.loadedAt + settings.staleFor ? 'stale' : 'missing'
}

const isDueForRenewal = <T>({ known }: Keeping<T>, now: Instant): boolean =>
  known !== undefined && now >= known.loadedAt + known.freshFor * refreshAfter

const mayForce = <T>({ known, forcedAt, cooldown }: Keeping<T>, now: Instant): boolean =>
  known?.freshFor !== Number.POSITIVE_INFINITY && now >= forcedAt + cooldown

/** Not while another load is under way, nor too soon after one that failed. */
const mayBegin = <T>(keeping: Keeping<T>, now: Instant): boolean => {
  const { flight, failure, cooldown } = keeping
  if (flight !== undefined && now < flight.startedAt + patience) return false
  const rest = stateOf(keeping, now) === 'missing' ? Math.min(cooldown, coldCooldown) : cooldown
  return failure === undefined || now >= failure.at + rest
}

const begin = <T>(keeping: Keeping<T>, now: Instant, forced: boolean): void => {
  const mine: Flight = {
    startedAt: now,
    done: attempt(keeping, now, forced).finally(() => {
      if (keeping.flight === mine) keeping.flight = undefined
    }),
  }
  keeping.flight = mine
}

const attempt = async <T>(keeping: Keeping<T>, startedAt: Instant, forced: boolean): Promise<void> => {
  const isOvertaken = (loadedAt: Instant) => keeping.known !== undefined && keeping.known.loadedAt > loadedAt
  try {
    const loaded = { loadedAt: startedAt, ...(await keeping.settings.load(startedAt, forced)) }
    if (isOvertaken(loaded.loadedAt)) return
    keeping.known = loaded
    keeping.failure = undefined
  } catch (error) {
    if (!isOvertaken(startedAt)) keeping.failure = { at: startedAt, error: asError(error) }
    keeping.settings.onFailure(error, stateOf(keeping, startedAt))
  }
}

const afterFlight = async <T>(keeping: Keeping<T>, now: Instant): Promise<Held<T>> => {
  const waited = keeping.flight?.done
  await waited
  return held(keeping, now, waited !== undefined)
}

const held = <T>(keeping: Keeping<T>, now: Instant, justLoaded: boolean): Held<T> => {
  const { known, failure } = keeping
  const state = stateOf(keeping, now)
  if (known === undefined || state === 'missing') throw failure?.error ?? new Error('nothing has been loaded')
  return { value: known.value, stale: state === 'stale', failing: failure !== undefined, justLoaded }
}

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error('the load failed', { cause: error })
