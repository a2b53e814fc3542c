import * as z from 'zod'
import type { Seconds } from '../domain/time.ts'

/** The shapes that several documents share. Each accepts text as a person writes it and yields what the code needs. */

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** `30s`, `5m`, `1h`, `7d` as seconds. */
export const duration = z
  .string()
  .regex(/^[1-9][0-9]{0,5}[smhd]$/, 'a duration is a number with a unit: 30s, 5m, 1h, 7d')
  .transform((text): Seconds => Number(text.slice(0, -1)) * (unitSeconds[text.slice(-1)] ?? Number.NaN))
  .meta({ description: 'A duration: a number and s, m, h or d.', examples: ['30s', '5m', '1h'] })

/** A duration between two bounds, which are themselves written as people write them. */
export const durationWithin = (least: Seconds, most: Seconds, words: string) =>
  duration.refine((seconds) => seconds >= least && seconds <= most, words)

/** An absolute http(s) URL without credentials or fragment. Whether plain http is acceptable is judged at load. */
export const url = z
  .string()
  .max(2048)
  .refine((text) => {
    const parsed = URL.canParse(text) ? new URL(text) : undefined
    if (parsed === undefined) return false
    const web = parsed.protocol === 'https:' || parsed.protocol === 'http:'
    return web && parsed.username === '' && parsed.password === '' && parsed.hash === ''
  }, 'an absolute https URL without user information or fragment')
  .meta({ description: 'An absolute https URL.', examples: ['https://idp.example.com'] })

/** A reference to a secret. The secret itself never stands in a document. */
export const secretReference = z
  .union([
    z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable') }),
    z.strictObject({ file: z.string().min(1) }),
    z.strictObject({ binding: z.string().min(1) }),
  ])
  .meta({ description: 'Where the secret lies: an environment variable, a file, or a binding of the runtime.' })

/** A secret that is presented to us: its digest, or where the secret lies. */
const secretSlot = z.union([
  z
    .strictObject({ sha256: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'the base64url SHA-256 of the secret') })
    .meta({ description: 'SHA-256 of a random secret of at least 32 bytes; `dragoman secret` makes both.' }),
  secretReference,
])

export type SecretSlot = z.output<typeof secretSlot>

export const secretSlots = z
  .array(secretSlot)
  .min(1)
  .max(2)
  .meta({ description: 'One secret, or two while one takes the place of the other.' })

/** A name that documents give to each other. */
export const name = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'lower-case letters, digits and hyphens, at most 63, no hyphen at the ends',
  )
  .meta({ description: 'A name: lower-case letters, digits and hyphens.', examples: ['github-actions'] })
