import type { Authentication } from './authentication.ts'
import type { Json, Sensitivity } from './claims.ts'

export const identityTypes = ['user', 'workload', 'partner'] as const

export type IdentityType = (typeof identityTypes)[number]

/** A mapped value and how far it may travel. */
export interface Labelled<T> {
  readonly value: T
  readonly sensitivity: Sensitivity
}

/** Where an identity came from: enough to find the rule that made it. */
export interface Origin {
  readonly issuer: string
  /** The subject as the issuer names it. */
  readonly subject: string
  readonly map: string
  readonly rule: string
  /** Digest of all documents that were in force. */
  readonly version: string
}

declare const mapped: unique symbol

/** What is said of somebody, in our own terms. */
export interface IdentityFields {
  readonly type: IdentityType
  readonly subject: Labelled<string>
  readonly tenant?: Labelled<string>
  /** `groups`, `roles` and `entitlements` are the SCIM names that RFC 9068 section 2.2.3.1 gives them. */
  readonly groups?: Labelled<readonly string[]>
  readonly roles?: Labelled<readonly string[]>
  readonly entitlements?: Labelled<readonly string[]>
  readonly attributes: ReadonlyMap<string, Labelled<Json>>
}

/** Who someone is inside the border, in our own terms. */
export interface CanonicalIdentity extends IdentityFields {
  readonly [mapped]: true
  readonly origin: Origin
  readonly authentication?: Authentication
  /** Who acts for the subject (RFC 8693 section 4.1). */
  readonly actor?: CanonicalIdentity
}

/** States that an identity follows from a rule. Called by `map/`, nowhere else. */
export const mappedTo = (fields: Omit<CanonicalIdentity, typeof mapped>): CanonicalIdentity =>
  fields as CanonicalIdentity
