import * as z from 'zod'
import type { Obtained } from '../domain/partner.ts'
import { secret } from '../domain/secret.ts'
import { FormatError } from '../formats/format-error.ts'
import { parseJson } from '../formats/json.ts'

const stored = z.strictObject({
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
export const writeStored = ({ parts, token, expiresAt, keepFor }: Obtained, obtainedAt: number): string =>
  JSON.stringify({
    parts: Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, value.reveal()])),
    token,
    expiresAt,
    keepFor,
    obtainedAt,
  })

/** Undefined: the text is none that this version has written. */
export const readStored = (text: string): { readonly obtained: Obtained; readonly obtainedAt: number } | undefined => {
  const read = stored.safeParse(jsonOf(text))
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
