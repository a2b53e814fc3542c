import { LRUCache } from 'lru-cache'
import type { Obtained } from '../domain/partner.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import type { KeptSecret } from '../sources/kept-secret.ts'

/** A credential that was obtained, and when it is what. */
export interface Kept {
  readonly obtained: Obtained
  /** Its fingerprint. */
  readonly id: string
  readonly partner: string
  /** The versions of the secrets that it was obtained with. */
  readonly secrets: readonly { readonly of: KeptSecret; readonly version: string }[]
  /** From then on a new one is obtained while this one is still given. */
  readonly renewAt: Instant
  /** Until then it is given at once. */
  readonly until: Instant
  /** Until then it is given where no new one can be had, never beyond what the partner states. */
  readonly lastUntil: Instant
}

/** What a Partner document says about how long credentials are kept. */
export interface Keeping {
  readonly maxTTL?: Seconds | undefined
  readonly refreshBefore?: Seconds | undefined
  readonly useStaleFor: Seconds
}

/** How long a credential is kept of which nobody says how long it is good. */
const usually: Seconds = 300
/** Who has it must still have the time to use it. */
const timeOfUse: Seconds = 5

/**
 * When a credential that was obtained at `now` is renewed and given up: so long before its end as the document says, or
 * else 60 seconds or a tenth of its life, whichever is longer, but never more than half of it.
 */
export const livesOf = (
  obtained: Obtained,
  keeping: Keeping,
  now: Instant,
): Pick<Kept, 'renewAt' | 'until' | 'lastUntil'> => {
  const {
    expiresAt = Number.POSITIVE_INFINITY,
    keepFor = expiresAt === Number.POSITIVE_INFINITY ? usually : undefined,
  } = obtained
  const end = expiresAt - Math.min(timeOfUse, (expiresAt - now) / 10)
  const until = Math.min(
    end,
    now + (keepFor ?? Number.POSITIVE_INFINITY),
    now + (keeping.maxTTL ?? Number.POSITIVE_INFINITY),
  )
  const life = Math.max(0, until - now)
  const margin = Math.min(keeping.refreshBefore ?? Math.max(60, life / 10), life / 2)
  const lastUntil = Math.min(expiresAt === Number.POSITIVE_INFINITY ? until : end, until + keeping.useStaleFor)
  return { renewAt: until - margin, until, lastUntil: Math.max(until, lastUntil) }
}

/** What is kept under the digest of everything that it depends on. */
export interface CredentialsKept {
  get(key: string): Kept | undefined
  keep(key: string, kept: Kept): void
  forget(key: string): void
  /** The keys of all of a partner's that have this fingerprint. */
  keysOf(partner: string, id: string): readonly string[]
  /** Why nothing could be had a moment ago. */
  refusalOf(key: string, now: Instant): Refusal | undefined
  remember(key: string, refusal: Refusal, now: Instant): void
}

const maxKept = 50_000
const maxRefusals = 10_000
/** For so long a refusal is given again without asking. */
const refusedFor: Seconds = 2

export const createCredentialsKept = (): CredentialsKept => {
  const byId = new Map<string, Set<string>>()
  const kept = new LRUCache<string, Kept>({
    max: maxKept,
    dispose(value, key) {
      const keys = byId.get(value.id)
      keys?.delete(key)
      if (keys?.size === 0) byId.delete(value.id)
    },
  })
  const refusals = new LRUCache<string, { readonly refusal: Refusal; readonly until: Instant }>({ max: maxRefusals })
  return {
    get: (key) => kept.get(key),
    keep(key, value) {
      kept.set(key, value)
      refusals.delete(key)
      byId.set(value.id, (byId.get(value.id) ?? new Set()).add(key))
    },
    forget(key) {
      kept.delete(key)
    },
    keysOf: (partner, id) => [...(byId.get(id) ?? [])].filter((key) => kept.get(key)?.partner === partner),
    refusalOf(key, now) {
      const known = refusals.get(key)
      return known !== undefined && now < known.until ? known.refusal : undefined
    },
    remember(key, refusal, now) {
      refusals.set(key, { refusal, until: now + refusedFor })
    },
  }
}
