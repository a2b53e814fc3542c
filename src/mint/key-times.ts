import type { Instant, Seconds } from '../domain/time.ts'

/** The times that a signing key carries. They are written once; what a key may do is derived from them. */
export interface KeyTimes {
  /** The key's RFC 7638 thumbprint. */
  readonly kid: string
  readonly createdAt: Instant
  /** When it begins to sign. Absent: it waits, published, to be given a time. */
  readonly activeFrom?: Instant
  /** From then on it is neither used nor published, whatever else is due. */
  readonly retireAt?: Instant
}

/**
 * - `next`: published, so that verifiers know it by the time it signs
 * - `active`: signs; there is one at most
 * - `retiring`: signs no more, published until the last token under it has expired
 * - `retired`: neither
 */
export type KeyState = 'next' | 'active' | 'retiring' | 'retired'

/** How long a key stays published after its successor took over: `maxTtl` and `skew` together. */
export interface Overlap {
  /** The longest life of a token of ours. */
  readonly maxTtl: Seconds
  /** What verifiers' clocks and their allowance for late expiry may add. */
  readonly skew: Seconds
}

export const defaultOverlap: Overlap = { maxTtl: 86_400, skew: 300 }

/** A key and what it may do. Times are Infinity where no end is known. */
export interface Standing<K> {
  readonly key: K
  readonly state: KeyState
  readonly signsFrom: Instant
  readonly signsUntil: Instant
  readonly publishedUntil: Instant
}

/**
 * What each key may do at `now`. The key that began last signs. When that one has been retired by hand nothing signs:
 * an older key is not called back, since verifiers may have forgotten it and its retirement had a reason.
 */
export const standings = <K extends KeyTimes>(
  keys: readonly K[],
  now: Instant,
  overlap: Overlap,
): readonly Standing<K>[] => {
  const line = keys.filter(everSigns).toSorted(bySuccession)
  return keys.map((key) => {
    const place = line.indexOf(key)
    const successor = place < 0 ? undefined : line[place + 1]
    return standing(key, successor?.activeFrom ?? Number.POSITIVE_INFINITY, now, overlap)
  })
}

const standing = <K extends KeyTimes>(key: K, succeededAt: Instant, now: Instant, overlap: Overlap): Standing<K> => {
  const retireAt = key.retireAt ?? Number.POSITIVE_INFINITY
  const signsFrom = key.activeFrom ?? Number.POSITIVE_INFINITY
  const signsUntil = Math.min(succeededAt, retireAt)
  const publishedUntil = Math.min(succeededAt + overlap.maxTtl + overlap.skew, retireAt)
  return { key, state: stateAt(now, signsFrom, signsUntil, publishedUntil), signsFrom, signsUntil, publishedUntil }
}

const stateAt = (now: Instant, signsFrom: Instant, signsUntil: Instant, publishedUntil: Instant): KeyState => {
  if (now >= publishedUntil) return 'retired'
  if (now < signsFrom) return 'next'
  return now < signsUntil ? 'active' : 'retiring'
}

/** A key that was retired before its time came never had a turn and takes none from others. */
const everSigns = ({ activeFrom, retireAt }: KeyTimes): boolean =>
  activeFrom !== undefined && (retireAt === undefined || retireAt > activeFrom)

const bySuccession = (a: KeyTimes, b: KeyTimes): number =>
  (a.activeFrom ?? 0) - (b.activeFrom ?? 0) || a.createdAt - b.createdAt || (a.kid < b.kid ? -1 : 1)
