import type { Claims, Json } from '../domain/claims.ts'
import type { Location } from '../domain/fault.ts'
import { onTheWire, type Reason } from '../domain/refusal.ts'
import type { Check, Seen, Stage, Trace } from '../domain/trace.ts'
import type { Rule } from '../map/trust-map.ts'
import type { Trust } from '../trust.ts'
import { adviceFor, placesToChange } from './explanation-advice.ts'
import { decidingCheck } from './explanation-verdict.ts'

/** Which of the values that checks looked at may be shown. */
export type MayShow = (seen: Seen) => boolean

/** How an explanation is made. */
export interface ExplanationOptions {
  readonly mayShow: MayShow
  /** `file:line:column`, as the reader finds it. */
  readonly placeOf: (location: Location) => string
  /** The claims of the token, if it is at hand. Not believed. */
  readonly presented?: Claims
}

/** A check, ready to be shown. */
export interface ExplainedCheck {
  readonly stage: Stage
  readonly check: string
  readonly ok: boolean
  readonly rule?: string
  readonly wanted?: string
  /** What was found: the value, nothing, or something that may not be shown. */
  readonly seen?: { readonly value: Json } | { readonly absent: true } | { readonly redacted: true }
  readonly at?: string
}

/** What became of one exchange, and why, for a person. */
export interface Explanation {
  readonly decision: 'granted' | 'refused'
  /** Absent where nobody has asked anything. */
  readonly requestId?: string
  readonly reason?: Reason
  readonly detail?: string
  /** What the caller was told. */
  readonly answer?: { readonly status: number; readonly error: string; readonly description: string }
  readonly issuer?: string
  readonly client?: string
  readonly map?: string
  readonly rule?: string
  readonly checks: readonly ExplainedCheck[]
  /** The rule that was nearest to speaking, by the first condition that it failed on. */
  readonly nearest?: ExplainedCheck
  /** Where to look, and what can be done. */
  readonly change: { readonly at: readonly string[]; readonly advice?: string }
  /** In `mode: audit`, what enforcing would have refused. */
  readonly wouldRefuse?: { readonly reason: Reason; readonly detail: string }
}

/** The end of a trace that was refused. */
export type Refused = Extract<Trace['outcome'], { readonly granted: false }>

/** Makes a detailed trace readable: names rules, finds the nearest miss and the lines to change. */
export const explanationOf = (trace: Trace, trust: Trust, options: ExplanationOptions): Explanation => {
  const refused = trace.outcome?.granted === false ? trace.outcome : undefined
  const deciding = refused === undefined ? [] : decidingCheck(refused.reason, trace, trust, options.presented)
  const checks = [...trace.checks, ...deciding]
  const explained = checks.map((check) => explainedCheck(check, trace, trust, options))
  const nearest = checks.findIndex((check) => isNearest(check, refused))
  const advice = refused === undefined ? undefined : adviceFor(refused.reason, trace, trust)
  const failed = checks[nearest]?.location
  const places = refused === undefined ? [] : placesToChange(refused.reason, trace, trust, failed)
  return {
    decision: refused === undefined ? 'granted' : 'refused',
    ...(trace.requestId === '' ? {} : { requestId: trace.requestId }),
    ...(refused === undefined
      ? {}
      : { reason: refused.reason, detail: refused.detail, answer: onTheWire(refused.reason) }),
    ...(trace.issuer === undefined ? {} : { issuer: trace.issuer }),
    ...(trace.client === undefined ? {} : { client: trace.client }),
    ...(trace.map === undefined ? {} : { map: trace.map }),
    ...(trace.rule === undefined ? {} : { rule: trace.rule }),
    checks: explained,
    ...(explained[nearest] === undefined ? {} : { nearest: explained[nearest] }),
    change: { at: places.map(options.placeOf), ...(advice === undefined ? {} : { advice }) },
    ...(trace.wouldRefuse === undefined ? {} : { wouldRefuse: trace.wouldRefuse }),
  }
}

/** Where no rule spoke, the refusal names the condition that came nearest; otherwise it is the requirement that failed. */
const isNearest = (check: Check, refused: Refused | undefined): boolean => {
  if (refused === undefined || check.ok || check.location === undefined) return false
  const { file, line } = check.location
  if (refused.reason === 'rule.none_matched')
    return refused.detail.includes(` to be ${check.wanted ?? ''} (${file}:${line})`)
  const isRequirement = check.stage === 'map' && !check.check.startsWith('rules[')
  return isRequirement && (refused.reason === 'map.validation_failed' || refused.reason === 'identity.invalid')
}

const explainedCheck = (
  { stage, check, ok, wanted, seen, location }: Check,
  trace: Trace,
  trust: Trust,
  { mayShow, placeOf }: ExplanationOptions,
): ExplainedCheck => {
  const rule = ruleOf(check, trace, trust)
  const found = shown(seen, mayShow)
  return {
    stage,
    check,
    ok,
    ...(rule === undefined ? {} : { rule: rule.name }),
    ...(wanted === undefined ? {} : { wanted }),
    ...(found === undefined ? {} : { seen: found }),
    ...(location === undefined ? {} : { at: placeOf(location) }),
  }
}

/** That a claim is absent is no secret. An expression that misses nothing has nothing to show. */
const shown = (seen: Seen | undefined, mayShow: MayShow): ExplainedCheck['seen'] => {
  if (seen === undefined || (seen.value === undefined && seen.sensitivity !== undefined)) return undefined
  if (seen.value === undefined) return { absent: true }
  return mayShow(seen) ? { value: seen.value } : { redacted: true }
}

/** The rule that a check such as `rules[0].when.claims.ref` belongs to. */
const ruleOf = (check: string, trace: Trace, trust: Trust): Rule | undefined => {
  const [, index] = /^rules\[(\d+)\]/.exec(check) ?? []
  if (index === undefined) return undefined
  return trust.maps.find(({ name }) => name === trace.map)?.rules[Number(index)]
}
