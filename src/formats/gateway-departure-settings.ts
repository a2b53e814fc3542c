import * as z from 'zod'
import type { RateLimit } from '../domain/rate-limit.ts'
import { type CredentialPlace, type DialectKind, usualPlace } from './gateway-decision-settings.ts'
import type { Remark } from './schema-faults.ts'

/** What a Gateway document says about requests on their way out. There where `direction` is egress. */
export interface DepartureSettings {
  /** The kind of gateway, a word of the catalog. */
  readonly dialect: string
  /** Where the identity's own credential may be, in order: the first that is there counts. */
  readonly credentialFrom: readonly CredentialPlace[]
  /** Names of the trust maps whose credentials count, exactly or as globs; absent: those of identities of the inside. */
  readonly sources?: readonly string[]
  /** Names of the Partner documents whose credentials it may have, exactly or as globs. */
  readonly partners: readonly string[]
  /** It speaks TLS to every destination, whatever it was asked with. */
  readonly originatesTLS: boolean
  /** `services`: each may ask at /v1/egress for itself, by its own credential. */
  readonly callers: 'gateway' | 'services'
  readonly reuse: number
  readonly rateLimit: { readonly gateway?: RateLimit | undefined; readonly subject?: RateLimit | undefined }
}

/** The keys of a Gateway document's `spec` that are about departures. */
export const departureKeys = {
  direction: z
    .enum(['ingress', 'egress'])
    .default('ingress')
    .meta({ description: 'egress: it asks for the credentials of partners, at /egress/NAME. Default ingress.' }),
  partners: z
    .array(z.string().min(1).max(512))
    .min(1)
    .optional()
    .meta({ description: 'Names of the Partners whose credentials it may have, exactly or as globs. Default: all.' }),
  originatesTLS: z.boolean().optional().meta({
    description:
      'It speaks TLS to every destination, whatever it was asked with. Default false: the request itself must be https.',
  }),
  callers: z.enum(['gateway', 'services']).optional().meta({
    description:
      'services: each may ask at /v1/egress for itself, by its own credential, and is handed what the partner accepts. Default gateway.',
  }),
}

type DepartureSpec = z.output<z.ZodObject<typeof departureKeys>>

/** Keys of documents of the other direction. */
const atIngressOnly = ['routes', 'respond', 'anonymous', 'preflight'] as const
const atEgressOnly = ['partners', 'originatesTLS', 'callers'] as const

/** What a Gateway document says beside. */
type Others = Readonly<Partial<Record<(typeof atIngressOnly)[number] | 'dialect' | 'certificateFrom', unknown>>> & {
  readonly credentialFrom?: readonly CredentialPlace[] | undefined
}

/** What is wrong with the keys together, and where. */
export const departureRemarks = (
  spec: DepartureSpec & Others,
  dialects: readonly (DialectKind & { readonly departures?: unknown; readonly isOutwardOnly?: true })[],
): readonly (Remark & { readonly at: readonly (string | number)[] })[] => {
  const dialect = dialects.find(({ kind }) => kind === spec.dialect)
  if (spec.direction === 'ingress')
    return [
      ...atEgressOnly.filter((key) => spec[key] !== undefined),
      ...(dialect?.isOutwardOnly === true ? ['dialect'] : []),
    ].map((key) => ({ at: [key], message: 'is for gateways at the way out', fix: 'direction: egress' }))
  const idle = atIngressOnly
    .filter((key) => spec[key] !== undefined)
    .map((key) => ({ at: [key], message: 'is for gateways at the way in', fix: 'leave it out' }))
  if (dialect === undefined)
    return [...idle, { at: ['dialect'], message: 'is missing', fix: 'the kind of gateway, or json' }]
  const byCertificate = (spec.credentialFrom ?? []).findIndex((place) => 'certificate' in place)
  return [
    ...idle,
    ...(dialect.departures === undefined
      ? [{ at: ['dialect'], message: `${dialect.kind} cannot ask for credentials`, fix: 'json, for /v1/egress' }]
      : []),
    ...(byCertificate >= 0 && spec.certificateFrom === undefined && !dialect.can.certificate
      ? [
          {
            at: ['credentialFrom', byCertificate],
            message: 'nothing says how the gateway states the certificate',
            fix: 'add certificateFrom',
          },
        ]
      : []),
  ]
}

/** The settings with what is not said filled in. */
export const departureSettings = (
  spec: DepartureSpec & {
    readonly reuse?: number | undefined
    readonly rateLimit?: DepartureSettings['rateLimit'] | undefined
    readonly dialect?: string | undefined
    readonly credentialFrom?: readonly CredentialPlace[] | undefined
    readonly sources?: readonly string[] | undefined
  },
): DepartureSettings | undefined => {
  const { dialect, sources } = spec
  if (spec.direction !== 'egress' || dialect === undefined) return undefined
  return {
    dialect,
    credentialFrom: spec.credentialFrom ?? [usualPlace],
    ...(sources === undefined ? {} : { sources }),
    partners: spec.partners ?? ['*'],
    originatesTLS: spec.originatesTLS ?? false,
    callers: spec.callers ?? 'gateway',
    reuse: spec.reuse ?? 0.5,
    rateLimit: spec.rateLimit ?? {},
  }
}
