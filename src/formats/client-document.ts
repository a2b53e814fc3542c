import * as z from 'zod'
import type { Rights } from '../domain/client.ts'
import type { Fault, Location } from '../domain/fault.ts'
import { stepsIn } from './documents.ts'
import type { Draft } from './draft.ts'
import { ifSound, remarked } from './schema-faults.ts'

/** A Client document: a caller of the token endpoint, its methods of authentication and what it may ask for. */
export interface ClientRegistration {
  readonly id: string
  readonly location: Location
  readonly authentication: readonly { readonly kind: string; readonly config: unknown; readonly location: Location }[]
  readonly rights: Rights
}

/** What the document needs to know about a method; its schema has the method's name under `method`. */
export interface MethodKind {
  readonly kind: string
  readonly schema: z.ZodType
  lint(config: unknown, options: { insecureLoopback: boolean }): readonly Omit<Fault, 'location'>[]
}

const permitted = (what: string) =>
  z
    .array(z.string().min(1).max(512))
    .default([])
    .meta({ description: `${what}, each exactly or as a glob. Default none.` })

/** The settings of a method with its own judgement of them, marked with its name. */
const methodSchema = (method: MethodKind, options: { insecureLoopback: boolean }) =>
  method.schema
    .superRefine((config, context) => {
      for (const { path, ...remark } of method.lint(config, options)) context.addIssue(remarked(remark, stepsIn(path)))
    })
    .transform((config) => ({ kind: method.kind, config }))

const once = (methods: readonly { readonly kind: string }[]): boolean =>
  new Set(methods.map(({ kind }) => kind)).size === methods.length

/** The `spec` of a Client document. */
export const clientSpec = (methods: readonly MethodKind[], options: { readonly insecureLoopback: boolean }) =>
  z.strictObject({
    clientId: z
      .string()
      .regex(/^[\x21-\x7e]{1,2048}$/, 'printable ASCII without spaces, at most 2048')
      .optional()
      .meta({ description: 'The client_id; by default the name of the document.' }),
    authentication: z
      .array(z.union(methods.map((method) => methodSchema(method, options))))
      .min(1)
      .refine(once, ifSound('a method stands twice'))
      .meta({ description: 'The methods by which the client proves who it is, each at most once.' }),
    may: z
      .strictObject({
        sources: permitted('Names of the TrustMaps whose credentials it may present'),
        audiences: permitted('The audiences it may ask tokens for'),
        scopes: permitted('The scopes it may ask for'),
        presentCertificates: z.boolean().default(false).meta({
          description:
            'It may present certificates of others as subject_token or actor_token: a gateway, which has seen the proof that they hold the keys. Default false: only the certificate of its own connection.',
        }),
        introspect: permitted('The audiences whose tokens it may introspect (RFC 7662)'),
      })
      .default({ sources: [], audiences: [], scopes: [], presentCertificates: false, introspect: [] })
      .meta({ description: 'What the client may ask for. What is not listed is refused.' }),
  })

export type ClientSpec = z.output<ReturnType<typeof clientSpec>>

/** Makes the registration of the document called `name`. */
export const registrationOf = (draft: Draft, name: string, spec: ClientSpec): ClientRegistration => ({
  id: spec.clientId ?? name,
  location: draft.locate(['metadata', 'name']),
  authentication: spec.authentication.map((method, index) => ({
    ...method,
    location: draft.locate(['spec', 'authentication', index]),
  })),
  rights: spec.may,
})
