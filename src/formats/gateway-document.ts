import * as z from 'zod'
import type { Location } from '../domain/fault.ts'
import type { Draft } from './draft.ts'
import { authenticate, type GatewayAuthentication } from './gateway-authentication-settings.ts'
import { type DecisionSettings, decisionKeys, decisionRemarks, decisionSettings } from './gateway-decision-settings.ts'
import {
  type DepartureSettings,
  departureKeys,
  departureRemarks,
  departureSettings,
} from './gateway-departure-settings.ts'
import { ifSound, remarked } from './schema-faults.ts'

/** A Gateway document: a party that may state which client certificate a request came with, or ask about requests. */
export interface GatewayRegistration {
  readonly name: string
  readonly location: Location
  readonly authenticate: GatewayAuthentication
  /** The one way in which it states a certificate; absent: it states none. */
  readonly certificateFrom?: StatedBy
  /** How its questions are decided; absent: it may ask none. */
  readonly decisions?: DecisionSettings
  /** What it may ask for at the way out; absent: nothing. */
  readonly departures?: DepartureSettings
}

/** A way to state certificates, from the catalog, and its settings. */
export interface StatedBy {
  readonly kind: string
  readonly config: unknown
}

/** What the document needs to know about a way to state certificates. */
export interface CertificateHeaderKind {
  readonly kind: string
  readonly schema: z.ZodType
}

const certificateFrom = (headers: readonly CertificateHeaderKind[]) => {
  const kinds = headers.map(({ kind }) => kind)
  const chosen = (named: Readonly<Record<string, unknown>>): readonly StatedBy[] =>
    kinds.flatMap((kind) => (named[kind] === undefined ? [] : [{ kind, config: named[kind] }]))
  const asUsual = z.enum(kinds).transform((kind): StatedBy => {
    const header = headers.find((candidate) => candidate.kind === kind)
    return { kind, config: header?.schema.parse({}) }
  })
  const withSettings = z
    .strictObject(Object.fromEntries(headers.map(({ kind, schema }) => [kind, schema.optional()])))
    .refine((named) => chosen(named).length === 1, ifSound(`needs exactly one of ${kinds.join(', ')}`))
    .transform((named): StatedBy => chosen(named)[0] ?? z.NEVER)
  return z.union([asUsual, withSettings]).meta({
    description: 'The one way in which the gateway states the client certificate: its word, or its word with settings.',
    examples: ['rfc9440'],
  })
}

/** The `spec` of a Gateway document. */
export const gatewaySpec = (
  headers: readonly CertificateHeaderKind[],
  dialects: Parameters<typeof departureRemarks>[1],
) =>
  z
    .strictObject({
      authenticate,
      certificateFrom: certificateFrom(headers).optional(),
      ...decisionKeys(dialects),
      ...departureKeys,
    })
    .superRefine((spec, context) => {
      const decisions = spec.direction === 'ingress' ? decisionRemarks(spec, dialects) : []
      for (const { at, ...remark } of [...departureRemarks(spec, dialects), ...decisions])
        context.addIssue(remarked(remark, at))
    })

export type GatewaySpec = z.output<ReturnType<typeof gatewaySpec>>

/** Makes the registration of the document called `name`. */
export const gatewayRegistration = (draft: Draft, name: string, spec: GatewaySpec): GatewayRegistration => {
  const decisions = spec.direction === 'ingress' ? decisionSettings(spec) : undefined
  const departures = departureSettings(spec)
  return {
    name,
    location: draft.locate(['metadata', 'name']),
    authenticate: spec.authenticate,
    ...(spec.certificateFrom === undefined ? {} : { certificateFrom: spec.certificateFrom }),
    ...(decisions === undefined ? {} : { decisions }),
    ...(departures === undefined ? {} : { departures }),
  }
}
