import type { Credential } from '../domain/credential.ts'
import type { Allowed } from '../domain/decision.ts'
import type { Wish } from '../domain/exchange.ts'
import type { Instant } from '../domain/time.ts'
import { tokenTypes } from '../domain/token-type.ts'
import { type Findings, findingsOf, recall, type Trace } from '../domain/trace.ts'
import { looksLikeJws } from '../formats/jws.ts'
import { createRecent } from '../sources/recent.ts'

/** What was decided, and until when the same may be said again. */
export interface Lasting {
  readonly reusableUntil: Instant
}

/** A decision that lets a request pass, as it was made. */
export interface Made<D extends Lasting = Allowed> {
  readonly allowed: D
  /** Whom it is about: a digest. */
  readonly party: string
  /**
   * Do the keys that it rests on still count, as far as that is known without waiting? Undefined: no. Absent: it was made
   * for the one time, and nobody else may have it.
   */
  readonly stillHolds?: (now: Instant) => { readonly stale: boolean } | undefined
}

/** Decisions that are given again to the same question. */
export interface DecisionsKept<D extends Lasting = Allowed> {
  /**
   * The decision on a question that was made before, if it still holds. What it rests on goes into the trace.
   *
   * @param key the digest of `premisesOf` the question
   */
  again(key: string, now: Instant, trace: Trace): Made<D> | undefined
  /**
   * The decision that somebody else who asks the same is waiting for at this moment, or else a new one by `make`.
   *
   * @throws whatever `make` throws
   */
  decide(key: string, now: Instant, trace: Trace, make: () => Promise<Made<D>>): Promise<Made<D>>
}

/** An opaque token and a certificate are judged anew each time: whether they still count has to be asked for. */
export const canLast = ({ type, raw }: Credential): boolean => type === tokenTypes.saml2 || looksLikeJws(raw.reveal())

/**
 * What the decision on a request depends on beside the documents and the time, as one text. Line breaks are in nothing of
 * it.
 *
 * @param readsRequests some map looks at what the client asked of the gateway
 */
export const premisesOf = ({ subject, certificate, gateway }: Wish, route: string, readsRequests: boolean): string => {
  const { method, scheme, host, port, path } = gateway?.request ?? {}
  const asked = readsRequests ? `${method}\n${scheme}\n${host}\n${port}\n${path}` : ''
  return `${gateway?.name}\n${route}\n${asked}\n${subject.type}\n${certificate?.thumbprint}\n${subject.raw.reveal()}`
}

interface Kept<D extends Lasting> {
  readonly made: Made<D>
  readonly findings: Findings
}

/** What came of a question for those who asked it meanwhile; undefined: nothing that they may have. */
type Outcome<D extends Lasting> = Kept<D> | { readonly thrown: unknown; readonly findings: Findings } | undefined

const maxBytes = 64 * 1024 * 1024

/**
 * Keeps decisions for as long as they hold, from the second time on that somebody asks the same: those that were used
 * most lately, in at most 64 MiB. Refusals are not kept, only shared with those who wait for the very same verdict.
 */
export const createDecisionsKept = <D extends Lasting = Allowed>(
  weightOf: (decision: D) => number,
  maxSize = maxBytes,
): DecisionsKept<D> => {
  const recent = createRecent<Kept<D>>(maxSize)
  const underWay = new Map<string, Promise<Outcome<D>>>()

  const lead = async (key: string, trace: Trace, make: () => Promise<Made<D>>): Promise<Made<D>> => {
    const { promise, resolve } = Promise.withResolvers<Outcome<D>>()
    underWay.set(key, promise)
    try {
      const made = await make()
      const kept = made.stillHolds && { made, findings: findingsOf(trace) }
      resolve(kept)
      if (kept !== undefined) recent.offer(key, kept, weightOf(made.allowed) + sizeOf(kept.findings))
      return made
    } catch (thrown) {
      resolve({ thrown, findings: findingsOf(trace) })
      throw thrown
    } finally {
      underWay.delete(key)
    }
  }

  return {
    again(key, now, trace) {
      const kept = recent.get(key)
      if (kept === undefined) return undefined
      if (given(kept, now, trace)) return kept.made
      recent.forget(key)
      return undefined
    },

    async decide(key, now, trace, make) {
      const awaited = underWay.get(key)
      if (awaited === undefined) return lead(key, trace, make)
      const outcome = await awaited
      if (outcome === undefined) return make()
      if ('made' in outcome) return given(outcome, now, trace) ? outcome.made : make()
      recall(trace, outcome.findings)
      throw outcome.thrown
    },
  }
}

/**
 * Gives a decision once more, provided that it holds. Whatever can end one before its time is asked here and nowhere
 * else.
 */
const given = <D extends Lasting>({ made, findings }: Kept<D>, now: Instant, trace: Trace): boolean => {
  const standing = now < made.allowed.reusableUntil ? made.stillHolds?.(now) : undefined
  if (standing === undefined) return false
  trace.reused = findings
  if (trace.detailed) recall(trace, findings)
  if (standing.stale) trace.staleKeys = true
  return true
}

/** About what the texts of a trace weigh, and the objects that hold them. */
const sizeOf = (findings: Findings): number => 2 * JSON.stringify(findings).length + 2_048

/** What an answer at the way in weighs beside its trace. */
export const weightOfAllowed = ({ token }: Allowed): number => token.value.reveal().length
