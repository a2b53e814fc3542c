import * as z from 'zod'
import type { Party } from '../domain/partner.ts'
import { Refusal } from '../domain/refusal.ts'

/** A text that a partner is told: as it stands, or of the identity. */
export type Stated = string | { readonly identity: string; readonly prefix?: string | undefined }

export const stated = z
  .union([
    z.string().min(1).max(2_048),
    z.strictObject({
      identity: z
        .string()
        .min(1)
        .max(128)
        .meta({
          description: 'subject, tenant, or the name of an attribute that is released to the partner.',
          examples: ['subject'],
        }),
      prefix: z.string().max(256).optional(),
    }),
  ])
  .meta({ description: 'A text as it stands, or one of the identity.', examples: ['integration@example.com'] })

/** Does it say who the identity is? */
export const namesIdentity = (value: Stated | undefined): boolean => typeof value === 'object'

/** @throws Refusal `identity.invalid` when the identity has no such text, or none that may leave */
export const statedText = (value: Stated, party: Party | undefined): string => {
  if (typeof value === 'string') return value
  const { identity: name, prefix = '' } = value
  const found = party && textOf(name, party)
  if (typeof found !== 'string' || found === '')
    throw new Refusal('identity.invalid', `the identity has no text ${JSON.stringify(name)} that may be told`)
  return prefix + found
}

const textOf = (name: string, { subject, tenant, claims }: Party): unknown => {
  if (name === 'subject') return subject
  if (name === 'tenant') return tenant
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}
