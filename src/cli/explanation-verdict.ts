import type { Claims, Json } from '../domain/claims.ts'
import type { Reason } from '../domain/refusal.ts'
import type { Check, Stage, Trace } from '../domain/trace.ts'
import type { TrustMap } from '../map/trust-map.ts'
import type { Trust } from '../trust.ts'
import { candidateMaps } from './explanation-advice.ts'

/** The families of reasons, by the stage that refuses with them. */
const stages: Readonly<Record<string, Stage>> = {
  client: 'authenticate',
  credential: 'verify',
  issuer: 'verify',
  keys: 'verify',
  source: 'verify',
  map: 'map',
  rule: 'map',
  identity: 'map',
  target: 'grant',
  scope: 'grant',
  signer: 'mint',
}

const stageOf = (reason: Reason): Stage => stages[reason.split('.')[0] ?? ''] ?? 'receive'

/** Registered claims that a reason is about. They say nothing about a person, so they may be shown. */
const claimsOf: Readonly<Partial<Record<Reason, readonly string[]>>> = {
  'issuer.unknown': ['iss'],
  'credential.audience_mismatch': ['aud', 'azp'],
  'credential.expired': ['exp'],
  'credential.not_yet_valid': ['nbf', 'iat'],
  'credential.too_old': ['iat'],
  'credential.lifetime_excessive': ['iat', 'exp'],
}

/**
 * The check that decided a refusal, where the stage has not recorded it itself: what was wanted by the documents, and
 * what stands in the token if it is at hand.
 */
export const decidingCheck = (
  reason: Reason,
  trace: Trace,
  trust: Trust,
  presented: Claims | undefined,
): readonly Check[] => {
  const stage = stageOf(reason)
  if (stage === 'map' || trace.checks.some((check) => check.stage === stage && !check.ok)) return []
  const names = claimsOf[reason] ?? []
  const found = names.flatMap((name) => claimText(name, presented))
  const wanted = wantedFor(reason, candidateMaps(trace, trust))
  const seen = found.length === 0 ? {} : { seen: { value: found.join(', '), sensitivity: 'public' as const } }
  return [{ stage, check: reason, ok: false, ...(wanted === undefined ? {} : { wanted }), ...seen }]
}

const wantedFor = (reason: Reason, maps: readonly TrustMap[]): string | undefined => {
  const named = maps.flatMap(
    ({ source }) => (source.config as { readonly audiences?: readonly string[] }).audiences ?? [],
  )
  return reason === 'credential.audience_mismatch' && named.length > 0
    ? `aud with one of ${named.join(', ')}`
    : undefined
}

const claimText = (name: string, presented: Claims | undefined): readonly string[] => {
  const value = presented !== undefined && Object.hasOwn(presented, name) ? presented[name] : undefined
  return value === undefined ? [] : [`${name} ${asTime(name, value) ?? textOf(value)}`]
}

/** The last second that a date can name (ECMAScript section 21.4.1.1). */
const maxDate = 8.64e12

const asTime = (name: string, value: Json): string | undefined => {
  if (!['exp', 'nbf', 'iat'].includes(name) || typeof value !== 'number') return undefined
  return Math.abs(value) < maxDate ? new Date(value * 1_000).toISOString() : undefined
}

const textOf = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))
