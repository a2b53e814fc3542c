import type { Instant, Seconds } from '../domain/time.ts'
import type { JwsAlgorithm } from '../ports/signatures.ts'
import { type Overlap, type Standing, standings } from './key-times.ts'
import type { StoredKey } from './stored-key.ts'

/** How a rotation is wanted. */
export interface RotationWish {
  /** The algorithm of the key that takes over; without it, that of the key which waits or of the active one. */
  readonly algorithm?: JwsAlgorithm
  /** How long the key is published before it signs; 0 for at once. */
  readonly publishFor: Seconds
}

/** What to do: give `key` the time `activeFrom`, or make one of `algorithm` and give it that time. */
export interface RotationPlan {
  readonly key?: StoredKey
  readonly algorithm: JwsAlgorithm
  readonly activeFrom: Instant
}

/**
 * Plans the hand-over to the key that waits, or to a new one. Where nothing signs there is nothing to wait for.
 *
 * @throws Error when another hand-over is due that this one would collide with
 */
export const planRotation = (
  keys: readonly StoredKey[],
  now: Instant,
  overlap: Overlap,
  wish: RotationWish,
): RotationPlan => {
  const current = standings(keys, now, overlap)
  const active = current.find(({ state }) => state === 'active')
  const atOnce = wish.publishFor === 0 || active === undefined
  const due = dueKey(current)
  if (due !== undefined && !(atOnce && suits(due.key, wish))) throw new Error(collision(due))
  const key = due?.key ?? waitingKeys(current).find((waiting) => suits(waiting, wish))
  return {
    ...(key === undefined ? {} : { key }),
    algorithm: key?.alg ?? wish.algorithm ?? active?.key.alg ?? 'ES256',
    activeFrom: atOnce ? now : now + wish.publishFor,
  }
}

/** Does a new key have to sign at once, because none signs and none is due to? */
export const isFirst = (keys: readonly StoredKey[], now: Instant, overlap: Overlap): boolean => {
  const current = standings(keys, now, overlap)
  return dueKey(current) === undefined && current.every(({ state }) => state !== 'active')
}

/** The key that is to take over at a set time. */
const dueKey = (current: readonly Standing<StoredKey>[]): Standing<StoredKey> | undefined =>
  current
    .filter(({ state, signsFrom }) => state === 'next' && Number.isFinite(signsFrom))
    .toSorted((a, b) => a.signsFrom - b.signsFrom)[0]

/** The keys that have no time yet, oldest first. */
const waitingKeys = (current: readonly Standing<StoredKey>[]): readonly StoredKey[] =>
  current
    .filter(({ state, signsFrom }) => state === 'next' && !Number.isFinite(signsFrom))
    .map(({ key }) => key)
    .toSorted((a, b) => a.createdAt - b.createdAt)

const suits = (key: StoredKey, { algorithm }: RotationWish): boolean => algorithm === undefined || key.alg === algorithm

const collision = ({ key, signsFrom }: Standing<StoredKey>): string => {
  const when = new Date(signsFrom * 1_000).toISOString()
  return `${key.kid} (${key.alg}) is due to take over at ${when}; rotate to it at once with --now, or retire it first`
}
