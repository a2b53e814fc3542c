import type { Trace } from '../../src/domain/trace.ts'
import { auditEvent } from '../../src/formats/audit-event.ts'
import type { CredentialStore } from '../../src/ports/credential-store.ts'
import type { Log } from '../../src/ports/log.ts'
import { type Meters, silentMeters } from '../../src/ports/meters.ts'
import { createMemoryCredentials } from '../../src/stores/memory-credentials.ts'
import { createCanary } from '../world/canary.ts'

/**
 * Watches a world at the way out: what it was given and what it gives are secrets, and at its end they must stand in
 * nothing that it has written: log, figures, state, audit events, traces, refusals.
 */
export interface Watch {
  readonly ports: { readonly log: Log; readonly meters: Meters; readonly credentials: CredentialStore }
  readonly secret: (text: string) => void
  /** The partner has answered with this. */
  readonly partnerSaid: (body: string | object) => void
  answered(status: number, body: Body, headers: Headers): void
  /** @throws Error when a secret was written */
  end(traces: readonly Trace[]): void
}

type Body = Readonly<Record<string, unknown>>

interface Watched {
  readonly credentials?: CredentialStore
  readonly meters?: Meters
}

export const watchEgress = ({ credentials = createMemoryCredentials(), meters = silentMeters }: Watched): Watch => {
  const canary = createCanary()
  const logged = (message: string, fields = {}) => canary.wrote('the log', `${message} ${JSON.stringify(fields)}`)
  return {
    ports: {
      log: { info: logged, warn: logged },
      meters: watchedMeters(meters, canary.wrote),
      credentials: watchedStore(credentials, canary.wrote),
    },
    secret: canary.secret,
    partnerSaid(body) {
      for (const text of confidentialIn(typeof body === 'string' ? parsed(body) : body)) canary.secret(text)
    },
    answered(status, body, headers) {
      if (status >= 400) canary.wrote('a refusal', JSON.stringify([body, [...headers]]))
      else for (const text of givenIn(body)) canary.secret(text)
    },
    end(traces) {
      // Nothing was asked of it, so that it has nothing to show.
      if (traces.length === 0) return
      for (const trace of traces) {
        canary.wrote('an audit event', JSON.stringify(auditEvent(trace, trace.startedAt)))
        canary.wrote('a trace', JSON.stringify(trace))
      }
      canary.check()
    },
  }
}

type Wrote = (where: string, text: string) => void

const watchedMeters = (meters: Meters, wrote: Wrote): Meters => ({
  count(name, labels) {
    wrote('a figure', JSON.stringify([name, labels]))
    meters.count(name, labels)
  },
  gauge(name, labels, value) {
    wrote('a figure', JSON.stringify([name, labels]))
    meters.gauge(name, labels, value)
  },
})

const watchedStore = (store: CredentialStore, wrote: Wrote): CredentialStore => ({
  get: (key, now) => store.get(key, now),
  put(key, sealed, until, now) {
    wrote('the state', `${key} ${sealed}`)
    return store.put(key, sealed, until, now)
  },
  delete: (key) => store.delete(key),
})

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

const isConfidential = (name: string): boolean => /(?:token|secret|secretaccesskey|assertion)$/i.test(name)

/** Members of an answer that are tokens and the like, at any depth. */
const confidentialIn = (value: unknown): readonly string[] => {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]: [string, unknown]) =>
    typeof member === 'string' && isConfidential(name) ? [member] : confidentialIn(member),
  )
}

/** What a granted answer holds: at /v1/egress the header fields of the credential, at the token endpoint the token. */
const givenIn = ({ access_token: token, set }: Body): readonly string[] => {
  const fields: readonly unknown[] = Array.isArray(set) ? set : []
  const carried = fields.flatMap((field) => {
    const [name, value]: readonly unknown[] = Array.isArray(field) ? field : []
    return name === 'authorization' && typeof value === 'string' ? [value.replace(/^\S+ /, '')] : []
  })
  return typeof token === 'string' ? [token, ...carried] : carried
}
