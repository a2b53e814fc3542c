import * as z from 'zod'
import { url } from '../formats/settings.ts'
import type { InjectedHeader, Need } from './obtainer.ts'

/** What requests of token endpoints have in common. */

const ownParameters = new Set([
  'grant_type',
  'scope',
  'audience',
  'resource',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'assertion',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'refresh_token',
])

const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/, 'a scope has no spaces, quotes or backslashes')

export const tokenEndpoint = url.meta({ description: "The partner's token endpoint." })

export const targetKeys = {
  scopes: z.array(scope).default([]).meta({ description: 'The scopes to ask for. Default: none is named.' }),
  audience: z.string().min(1).max(2_048).optional().meta({ description: '`audience` of the request.' }),
  resource: z
    .union([
      z
        .string()
        .min(1)
        .transform((one) => [one]),
      z.array(z.string().min(1)).min(1),
    ])
    .optional()
    .meta({ description: '`resource` of the request (RFC 8707).' }),
  params: z
    .record(
      z.string().refine((name) => !ownParameters.has(name), 'this parameter has a place of its own'),
      z.string().max(4_096),
    )
    .default({})
    .meta({ description: 'Further parameters that the partner wants.' }),
}

export interface TargetSettings {
  readonly scopes: readonly string[]
  readonly audience?: string | undefined
  readonly resource?: readonly string[] | undefined
  readonly params: Readonly<Record<string, string>>
}

/** Their form, beside what the grant adds. */
export const targetParameters = (settings: TargetSettings, need: Need, own: Readonly<Record<string, string>> = {}) => {
  const parameters = new URLSearchParams({ ...settings.params, ...own })
  const scopes = need.scopes ?? settings.scopes
  if (scopes.length > 0) parameters.set('scope', scopes.join(' '))
  if (settings.audience !== undefined) parameters.set('audience', settings.audience)
  for (const resource of settings.resource ?? []) parameters.append('resource', resource)
  return parameters
}

/** RFC 6750 section 2.1. */
export const bearerHeader: readonly InjectedHeader[] = [
  { name: 'Authorization', prefix: 'Bearer ', from: 'access_token' },
]
