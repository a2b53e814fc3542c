import type { Claims, Json } from '../domain/claims.ts'
import type { Location } from '../domain/fault.ts'
import type { Allowance } from '../domain/grant.ts'
import type { CanonicalIdentity, IdentityType, Labelled } from '../domain/identity.ts'
import type { Instant } from '../domain/time.ts'
import type { Seen } from '../domain/trace.ts'
import type { Facts } from '../expressions/expression.ts'
import type { Scalar } from './matcher.ts'

/** A trust map, compiled: whom we believe and who they become. Everything that can be done at load has been done. */
export interface TrustMap {
  readonly name: string
  readonly location: Location
  readonly mode: 'enforce' | 'audit' | 'disabled'
  /** The kind of verifier and its settings, e.g. `oidc` and what the document says under `source.oidc`. */
  readonly source: { readonly kind: string; readonly config: unknown; readonly location: Location }
  /** `claimValidationRules`, the preset's first: must hold for every credential of this source. */
  readonly requirements: readonly Requirement[]
  /** In order; the first whose conditions hold speaks. */
  readonly rules: readonly Rule[]
  /** Finds the first rule that `speaks`, trying only those that `claims` do not rule out. */
  readonly firstRule: FirstRule
  /** Some rule has conditions on the actor: the certificate over which a request comes is worth verifying. */
  readonly readsActor: boolean
  /** What comes out may depend on what a caller asked of a gateway: the host, the path, the method. */
  readonly readsRequest: boolean
  /** What comes out may depend on the time, beside the times of the credential and the days on which rules end. */
  readonly readsNow: boolean
  /** `identityValidationRules`: must hold for every identity that a rule makes. */
  readonly identityRequirements: readonly Requirement[]
}

export type FirstRule = (claims: Claims, speaks: (rule: Rule) => boolean) => Rule | undefined

/** Something that must hold, and what to tell the operator when it does not. */
export interface Requirement {
  readonly location: Location
  /** The key's path below `spec`, e.g. `claimValidationRules[0]`. */
  readonly path: string
  /** As written, for people. */
  readonly text: string
  readonly message: string
  /** Throws a Refusal `map.expression_failed` when it cannot be judged. */
  readonly holds: (facts: Facts) => boolean
  /** What it looks at, for a trace. */
  readonly seen: (facts: Facts) => Seen
}

/** One condition of a rule's `when`; all of them must hold. */
export interface Condition {
  readonly location: Location
  /** The key's path below `when`, e.g. `claims.ref`. */
  readonly path: string
  /** What is wanted, as written. */
  readonly wanted: string
  /** Throws a Refusal `map.expression_failed` when it cannot be judged. */
  readonly holds: (facts: Facts) => boolean
  /** What it looks at, for a trace. */
  readonly seen: (facts: Facts) => Seen
  /** It holds only if this top-level claim is one of these values. Rules are found by it. */
  readonly equality?: { readonly claim: string; readonly values: readonly Scalar[] }
}

export interface Rule {
  readonly name: string
  /** Its place in `rules`, from 0. */
  readonly index: number
  readonly location: Location
  /** Those over claims first: they cannot fail, so a rule that they rule out need not be tried. */
  readonly conditions: readonly Condition[]
  /** It has conditions on the actor, so what it makes is delegated to one (RFC 8693 section 1.1). */
  readonly isDelegation: boolean
  /** `same`: who the credential, a token of ours, says that it is. */
  readonly identity: IdentityMapping | 'same'
  readonly allowance: Allowance
  /** From then on the rule denies. */
  readonly expiresAt?: Instant
}

/** A mapped value: yields undefined when it is absent and not required; throws a Refusal when it is required. */
export type Mapping<T> = (facts: Facts) => Labelled<T> | undefined

export interface IdentityMapping {
  readonly type: IdentityType
  readonly subject: (facts: Facts) => Labelled<string>
  readonly tenant?: Mapping<string>
  readonly groups?: Mapping<readonly string[]>
  readonly roles?: Mapping<readonly string[]>
  readonly entitlements?: Mapping<readonly string[]>
  readonly attributes: ReadonlyMap<string, Mapping<Json>>
}

/** What the map stage yields. */
export interface Mapped {
  /** From then on the rule denies. */
  readonly until?: Instant
  readonly identity: CanonicalIdentity
  readonly allowance: Allowance
}
