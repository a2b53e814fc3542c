import type { Json, Sensitivity } from './claims.ts'
import type { Location } from './fault.ts'
import type { Labelled } from './identity.ts'
import type { CredentialSource } from './partner.ts'
import type { PresentedCertificate } from './presented-certificate.ts'
import type { Reason } from './refusal.ts'
import type { Instant } from './time.ts'

/** The stages of the journey, in order. */
export type Stage = 'receive' | 'authenticate' | 'verify' | 'map' | 'grant' | 'mint' | 'obtain'

/** A value that a check looked at; whoever shows it decides by its label. */
export interface Seen {
  readonly value: Json | undefined
  /** Absent: no document labels it, so it is shown to nobody but the one who asked with `--reveal`. */
  readonly sensitivity?: Sensitivity
}

/** One thing that a stage looked at and what came of it. */
export interface Check {
  readonly stage: Stage
  /** What was checked, in words that fit the documents: `signature`, `rules[0].when.claims.ref`. */
  readonly check: string
  readonly ok: boolean
  /** What was wanted, from the documents. Never from the credential. */
  readonly wanted?: string
  readonly seen?: Seen
  readonly location?: Location
}

/**
 * The record of one exchange. Stages fill it as they go; explain, audit and the console read it. The named fields are
 * what an audit event needs; `checks` is kept only for a detailed trace, so that the hot path does not pay for it.
 */
export interface Trace {
  readonly requestId: string
  readonly startedAt: Instant
  readonly detailed: boolean
  readonly checks: Check[]
  /** The `grant_type` of the request, where its form was in order. */
  grantType?: string
  client?: string
  clientMethod?: string
  /** The request that a gateway asks about: its path may say too much about its maker to stand here. */
  ingress?: {
    readonly method: string
    readonly host: string
    /** The name of the route that spoke. */
    readonly route?: string
    /** It passes without anybody's name. */
    readonly passed?: 'anonymous' | 'preflight'
  }
  /** The request that is on its way out to a partner. */
  egress?: { readonly method: string; readonly host: string }
  /** The client certificate over which the request came: its `x5t#S256`, and who saw it (`tls`, or a gateway's name). */
  certificate?: { readonly thumbprint: string; readonly via: string }
  kind?: string
  issuer?: string
  subjectTokenType?: string
  /** First 16 characters of the base64url SHA-256 of the subject token. */
  subjectTokenFingerprint?: string
  subjectTokenId?: string
  keyId?: string
  /**
   * What was found when the decision was made, for another request that asked the same. Only in detailed traces does it
   * stand in the fields of this one too.
   */
  reused?: Findings
  /** The issuer's keys could not be refreshed; the last known ones were used. */
  staleKeys?: boolean
  map?: string
  rule?: string
  /** Who acts for the subject, where the identity is delegated. */
  actor?: {
    readonly map: string
    readonly rule: string
    readonly issuer: string
    readonly subject: Labelled<string>
  }
  /** How many parties act for the subject, in turn: those that `act` names. */
  actorDepth?: number
  version?: string
  subject?: Labelled<string>
  audience?: readonly string[]
  scope?: readonly string[]
  /** Names of attributes and groups that did not enter the token, and why. */
  withheld?: readonly { readonly name: string; readonly because: 'sensitivity' | 'budget' }[]
  /** Audit mode: what enforcing would have refused. */
  wouldRefuse?: { readonly reason: Reason; readonly detail: string }
  transaction?: string
  tokenId?: string
  /** The Partner document that spoke. */
  partner?: string
  /** Which of its credentials was given: a fingerprint. */
  credentialId?: string
  /** Where it came from: the partner, or what was kept. */
  credentialFrom?: CredentialSource
  /** Its kind, and those of the credentials that it was obtained with: the outermost first. */
  credentialKinds?: readonly string[]
  expiresAt?: Instant
  outcome?: { readonly granted: true } | { readonly granted: false; readonly reason: Reason; readonly detail: string }
}

/** An empty record for a request that arrives at `startedAt`. */
export const newTrace = (requestId: string, startedAt: Instant, detailed = false): Trace => ({
  requestId,
  startedAt,
  detailed,
  checks: [],
})

/** What is kept of a client certificate. */
export const certificateRecord = ({ thumbprint, via }: PresentedCertificate): NonNullable<Trace['certificate']> => ({
  thumbprint,
  via: via === 'tls' ? 'tls' : `gateway ${via.gateway}`,
})

/** What of a trace is about the one request that it records. */
const ofRequest = [
  'requestId',
  'startedAt',
  'detailed',
  'client',
  'clientMethod',
  'ingress',
  'egress',
  'partner',
  'credentialId',
  'credentialKinds',
  'credentialFrom',
  'certificate',
  'reused',
  'staleKeys',
  'outcome',
] as const satisfies readonly (keyof Trace)[]

/** What a trace says of a credential and of what was issued for it, whoever asked and when. */
export type Findings = Omit<Trace, (typeof ofRequest)[number]>

export const findingsOf = (trace: Trace): Findings => {
  const findings: Partial<Trace> & Findings = { ...trace }
  for (const name of ofRequest) delete findings[name]
  return findings
}

/** Puts the findings of another trace into this one, which has none of its own yet. */
export const recall = (trace: Trace, { checks, ...findings }: Findings): void => {
  Object.assign(trace, findings)
  trace.checks.push(...checks)
}

/** Keeps `check` if the trace is a detailed one. */
export const note = (trace: Trace, check: Check): void => {
  if (trace.detailed) trace.checks.push(check)
}
