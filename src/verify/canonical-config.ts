import * as z from 'zod'
import { clockDifference } from '../domain/time.ts'
import { duration, name } from '../formats/settings.ts'
import type { TimeLimits } from './oidc-config.ts'

/** Expressions read claims that are nested eight deep at most, and every actor stands inside the one after it. */
const deepest = 8

/** `source.canonical` of a trust map: which tokens of ours may be narrowed for the next hop, and by whom. */
export const canonicalSchema = z
  .strictObject({
    audiences: z
      .array(z.string().min(1).max(2_048))
      .min(1)
      .meta({
        description:
          'Tokens of ours that are for one of these may be narrowed here: those of the services that call on.',
        examples: [['https://orders.internal.example']],
      }),
    clients: z.array(name).min(1).optional().meta({
      description:
        'Only these Clients and Gateways may present such tokens: the services of `audiences`. Default: those whose `sources` name the map, not by a glob.',
    }),
    maxAge: duration.optional().meta({ description: 'Refuse tokens issued longer ago than this.' }),
    maxLifetime: duration
      .default(86_400)
      .meta({ description: 'Refuse tokens valid for longer than this. Default 24h.' }),
    maxDepth: z
      .int()
      .min(1)
      .max(deepest)
      .default(4)
      .meta({ description: 'How many may act for a subject in turn: refuse tokens in which that many already do.' }),
  })
  .meta({ description: 'Access tokens of our own: canonical in, narrower canonical out.' })

export type CanonicalConfig = z.output<typeof canonicalSchema>

/** Nobody but we make these tokens, so our clocks alone can differ. */
export const timeLimitsOf = ({ maxAge, maxLifetime }: CanonicalConfig): TimeLimits => ({
  skew: clockDifference,
  maxLifetime,
  ...(maxAge === undefined ? {} : { maxAge }),
})
