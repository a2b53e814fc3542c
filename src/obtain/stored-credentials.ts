import * as z from 'zod'
import type { Obtained } from '../domain/partner.ts'
import { secret } from '../domain/secret.ts'
import type { Instant } from '../domain/time.ts'
import { FormatError } from '../formats/format-error.ts'
import { parseJson } from '../formats/json.ts'
import type { Ports } from '../ports/ports.ts'
import { type Sealing, seal, unseal } from './sealed.ts'

/** A credential as it was obtained, and when. */
export interface Stored {
  readonly obtained: Obtained
  readonly obtainedAt: Instant
}

/** Credentials that outlive this process, encrypted. */
export interface StoredCredentials {
  /** Undefined: it is not there, or nobody here can open it. */
  get(key: string, now: Instant): Promise<Stored | undefined>
  put(key: string, stored: Stored, until: Instant): Promise<void>
  forget(key: string): void
}

/** A store that is down costs another call later and nothing now. */
export const createStoredCredentials = (
  { credentials, log }: Pick<Ports, 'credentials' | 'log'>,
  sealing: () => readonly Sealing[],
): StoredCredentials => {
  const complain = (what: string) => log.warn(`the store of credentials cannot be ${what}`)
  return {
    async get(key, now) {
      try {
        const sealed = await credentials.get(key, now)
        const text = sealed === undefined ? undefined : await unseal(key, sealed, sealing())
        return text === undefined ? undefined : readStored(text)
      } catch {
        complain('read')
        return undefined
      }
    },
    async put(key, stored, until) {
      if (sealing().length === 0) return
      try {
        await credentials.put(key, await seal(key, writeStored(stored), sealing()), until, stored.obtainedAt)
      } catch {
        complain('written')
      }
    },
    forget(key) {
      void credentials.delete(key).catch(() => complain('written'))
    },
  }
}

const form = z.strictObject({
  parts: z.record(z.string(), z.string()),
  token: z
    .strictObject({
      part: z.string(),
      type: z.string(),
      scheme: z.enum(['Bearer', 'DPoP', 'N_A']),
      scope: z.array(z.string()).optional(),
    })
    .optional(),
  expiresAt: z.number().optional(),
  keepFor: z.number().optional(),
  obtainedAt: z.number(),
})

/** A credential as the text that is encrypted and put into a store. */
const writeStored = ({ obtained: { parts, token, expiresAt, keepFor }, obtainedAt }: Stored): string =>
  JSON.stringify({
    parts: Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, value.reveal()])),
    token,
    expiresAt,
    keepFor,
    obtainedAt,
  })

/** Undefined: the text is none that this version has written. */
const readStored = (text: string): Stored | undefined => {
  const read = form.safeParse(jsonOf(text))
  if (!read.success) return undefined
  const { parts, token, expiresAt, keepFor, obtainedAt } = read.data
  return {
    obtained: {
      parts: Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, secret(value)])),
      ...(token && {
        token: { part: token.part, type: token.type, scheme: token.scheme, ...(token.scope && { scope: token.scope }) },
      }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(keepFor === undefined ? {} : { keepFor }),
    },
    obtainedAt,
  }
}

const jsonOf = (text: string): unknown => {
  try {
    return parseJson(text)
  } catch (thrown) {
    if (thrown instanceof FormatError) return undefined
    throw thrown
  }
}
