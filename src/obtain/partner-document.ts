import * as z from 'zod'
import { type Sensitivity, sensitivities } from '../domain/claims.ts'
import type { Location } from '../domain/fault.ts'
import type { Seconds } from '../domain/time.ts'
import { compileExpression, type Expression } from '../expressions/expression.ts'
import type { Draft } from '../formats/draft.ts'
import { headerName, steers } from '../formats/gateway-decision-settings.ts'
import { type RequestPattern, requestPatternKeys } from '../formats/request-pattern.ts'
import { ifSound, remarked } from '../formats/schema-faults.ts'
import { duration, durationWithin } from '../formats/settings.ts'
import { type CredentialSettings, credentialSettings, type KindOptions } from './credential-settings.ts'
import type { AnyObtainer, InjectedHeader } from './obtainer.ts'

/** A Partner document: what is presented outside, where, and for whom. */
export interface PartnerRegistration {
  readonly name: string
  readonly location: Location
  readonly mode: 'enforce' | 'disabled'
  /** By this name the partner is asked for at the token endpoint. */
  readonly audience: string
  readonly destinations: Destinations
  /** One of them must hold; none is there: nobody may. */
  readonly allow: readonly AllowRule[]
  readonly credential: CredentialSettings
  readonly inject: Injection
  /** The sensitivity labels that the partner may hear of. */
  readonly release: readonly Sensitivity[]
  readonly cache: { readonly maxTTL?: Seconds | undefined; readonly refreshBefore?: Seconds | undefined }
  /** For how long past its renewal a credential is used while the partner is down; never beyond its real end. */
  readonly useStaleFor: Seconds
  readonly calls: CallSettings
}

export interface Destinations extends RequestPattern {
  readonly hosts: readonly string[]
  readonly requireTLS: boolean
}

/** Everything that is said must hold of the identity, and of the request where the expression reads it. */
export interface AllowRule {
  readonly location: Location
  /** Globs. */
  readonly subjects?: readonly string[] | undefined
  readonly groups?: readonly string[] | undefined
  readonly expression?: Expression | undefined
  readonly message?: string | undefined
}

export interface Injection {
  readonly headers: readonly InjectedHeader[]
  readonly query: readonly { readonly name: string; readonly from: string }[]
  /** Lower-case. */
  readonly removeHeaders: readonly string[]
}

export interface CallSettings {
  /** From the first byte to the last of one call. */
  readonly timeout: Seconds
  /** How many calls may be under way at once. */
  readonly concurrency: number
  /** Hosts, or host:port, that may lie on this machine or in a private network. */
  readonly allowHosts: readonly string[]
}

const globs = (what: string) => z.array(z.string().min(1).max(512)).min(1).optional().meta({ description: what })

const expression = z
  .string()
  .min(1)
  .max(2_048)
  .transform((source, context) => {
    const compiled = compileExpression(source, 'partner', 'bool')
    if ('expression' in compiled) return compiled.expression
    const { offset, message, fix } = compiled.problem
    context.addIssue(remarked({ message: `${message} (column ${offset + 1} of the expression)`, fix, offset }))
    return z.NEVER
  })
  .meta({
    description: 'A CEL expression over identity, client, request, gateway, now.',
    examples: ["identity.type == 'workload' && 'crm' in identity.groups"],
  })

const allowRule = z
  .strictObject({
    subjects: globs('Subjects, exactly or as globs; one of them must fit.'),
    groups: globs('Groups, exactly or as globs; one of the identity must fit one of them.'),
    expression: expression.optional(),
    message: z.string().max(256).optional().meta({ description: 'Stands in the audit event where nothing fits.' }),
  })
  .refine(
    ({ subjects, groups, expression: condition }) => [subjects, groups, condition].some((said) => said !== undefined),
    ifSound('says nothing about the identity: name subjects, groups or an expression'),
  )

const setHeader = headerName.refine(
  (name) => !steers(name) || name.toLowerCase() === 'cookie',
  'this header has a meaning of its own; choose another',
)

/** Visible ASCII and inner spaces (RFC 9110 section 5.5). */
const fieldText = z.string().regex(/^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/, 'visible ASCII')

const from = z
  .string()
  .min(1)
  .max(64)
  .meta({ description: 'The part of the credential.', examples: ['access_token'] })

const injectedHeader = z.union([
  z.strictObject({
    name: setHeader,
    prefix: z
      .string()
      .regex(/^[\x20-\x7e]{0,128}$/, 'visible ASCII and spaces')
      .optional()
      .meta({ description: 'Put before it, with its space.', examples: ['Bearer '] }),
    from,
  }),
  z.strictObject({ name: setHeader, value: fieldText.min(1).max(1_024) }),
])

const inject = z.strictObject({
  headers: z.array(injectedHeader).max(16).optional().meta({
    description: 'Header fields to set. Default: as is usual for the credential.',
  }),
  query: z
    .array(z.strictObject({ name: z.string().regex(/^[A-Za-z0-9._~-]{1,64}$/, 'the name of a parameter'), from }))
    .max(4)
    .default([])
    .meta({ description: 'Parameters of the query to set. Only /v1/egress can carry them.' }),
  removeHeaders: z
    .array(headerName.transform((name) => name.toLowerCase()))
    .default([])
    .meta({ description: 'Header fields to take off, beside our token, cookies and identity headers.' }),
})

const destinations = z.strictObject({
  hosts: requestPatternKeys.hosts
    .unwrap()
    .superRefine((hosts, context) => {
      for (const [index, host] of hosts.entries())
        if (/^[*.]+(?::|$)/.test(host))
          context.addIssue(
            remarked({ message: 'this is everybody: credentials go to hosts that are named', fix: 'api.example.com' }, [
              index,
            ]),
          )
    })
    .meta({
      description: "The partner's hosts, exactly or as globs; without a port for the usual ports.",
    }),
  paths: requestPatternKeys.paths,
  methods: requestPatternKeys.methods,
  requireTLS: z.boolean().default(true).meta({
    description: 'Credentials go over TLS only. Default true; false for a partner on this machine.',
  }),
})

const usualTimeout: Seconds = 5

/** The `spec` of a Partner document. */
export const partnerSpec = (obtainers: readonly AnyObtainer[], options: KindOptions) =>
  z
    .strictObject({
      mode: z.enum(['enforce', 'disabled']).default('enforce').meta({ description: 'disabled: nobody may.' }),
      audience: z
        .string()
        .min(1)
        .max(2_048)
        .regex(/^[^*]*$/, 'an audience is exact')
        .optional()
        .meta({ description: 'By which the token endpoint is asked. Default urn:dragoman:partner:NAME.' }),
      destinations,
      allow: z.array(allowRule).default([]).meta({
        description: 'Who may: one of the entries must hold, with everything that it says. None: nobody.',
      }),
      credential: credentialSettings(obtainers, options),
      inject: inject.optional().meta({ description: 'How the credential is put on a request.' }),
      release: z
        .array(z.enum(sensitivities))
        .default(['public'])
        .meta({ description: 'The labels that the partner may hear of, where it hears of the identity.' }),
      cache: z
        .strictObject({
          maxTTL: duration.optional().meta({ description: 'A credential is not kept for longer.' }),
          refreshBefore: duration.optional().meta({ description: 'It is renewed so long before its end.' }),
        })
        .default({}),
      onError: z
        .strictObject({
          useStaleFor: duration.optional().meta({
            description:
              'For so long past its renewal it is used while the partner is down, never beyond its real end.',
          }),
        })
        .default({}),
      calls: z
        .strictObject({
          timeout: durationWithin(1, 60, 'between 1s and 60s').default(usualTimeout),
          concurrency: z.int().min(1).max(1_000).default(32).meta({ description: 'Calls under way at once.' }),
          allowHosts: z.array(z.string().min(1)).default([]).meta({
            description: 'Hosts that may lie on this machine or in a private network.',
          }),
        })
        .default({ timeout: usualTimeout, concurrency: 32, allowHosts: [] })
        .meta({ description: 'How the partner is called.' }),
    })
    .superRefine((spec, context) => {
      const { inject: injected, credential } = spec
      const parts = credential.obtainer.parts(credential.config)
      const unknown = (name: string, at: readonly (string | number)[]) => {
        if (!parts.includes(name))
          context.addIssue(remarked({ message: `the credential has no part ${name}`, fix: parts.join(', ') }, at))
      }
      for (const [index, header] of (injected?.headers ?? []).entries())
        if ('from' in header) unknown(header.from, ['inject', 'headers', index, 'from'])
      for (const [index, parameter] of (injected?.query ?? []).entries())
        unknown(parameter.from, ['inject', 'query', index, 'from'])
    })

export type PartnerSpec = z.output<ReturnType<typeof partnerSpec>>

/** Makes the registration of the document called `name`. */
export const partnerRegistration = (draft: Draft, name: string, spec: PartnerSpec): PartnerRegistration => {
  const { obtainer, config } = spec.credential
  const query = spec.inject?.query ?? []
  return {
    name,
    location: draft.locate(['metadata', 'name']),
    mode: spec.mode,
    audience: spec.audience ?? `urn:dragoman:partner:${name}`,
    destinations: spec.destinations,
    allow: spec.allow.map((rule, index) => ({ ...rule, location: draft.locate(['spec', 'allow', index]) })),
    credential: spec.credential,
    inject: {
      // A secret that stands in the query by the document's word stands nowhere else.
      headers: spec.inject?.headers ?? (query.length > 0 ? [] : obtainer.usualHeaders(config)),
      query,
      removeHeaders: spec.inject?.removeHeaders ?? [],
    },
    release: spec.release,
    cache: spec.cache,
    useStaleFor: spec.onError.useStaleFor ?? 0,
    calls: spec.calls,
  }
}
