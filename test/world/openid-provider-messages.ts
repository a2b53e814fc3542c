import * as z from 'zod'
import { troubles } from './faulty-front.ts'

/** What a test says to the provider's process, and what it hears. */

/** How discovery lies, or how the key set sends its reader elsewhere. */
export const lies = ['issuer', 'jwks_uri', 'no_jwks_uri', 'redirect', 'jwks_redirect'] as const

const lie = z.enum(lies)

export type Lie = z.infer<typeof lie>

export const question = z.discriminatedUnion('ask', [
  z.object({ ask: z.literal('rotate'), keepOld: z.boolean() }),
  z.object({ ask: z.literal('fail'), trouble: z.enum(troubles), paths: z.array(z.string()) }),
  z.object({ ask: z.literal('lie'), lie }),
  z.object({ ask: z.literal('restore') }),
  z.object({ ask: z.literal('requests') }),
  z.object({ ask: z.literal('forge'), claims: z.record(z.string(), z.unknown()), typ: z.string().optional() }),
])

export type Question = z.input<typeof question>

export const ready = z.object({ issuer: z.string(), impostor: z.string() })

const counts = z.record(z.string(), z.number())

/** How often each `METHOD /path` was asked, of the provider and of the impostor beside it. */
export const requests = z.object({ issuer: counts, impostor: counts })

export type Requests = z.infer<typeof requests>
