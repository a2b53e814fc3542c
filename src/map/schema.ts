import * as z from 'zod'
import { sensitivities } from '../domain/claims.ts'
import { identityTypes } from '../domain/identity.ts'
import { isReservedClaim } from '../domain/reserved-claims.ts'
import { claimReader } from '../expressions/claim-path.ts'
import { compileExpression, type ResultType, type Scope } from '../expressions/expression.ts'
import { FormatError } from '../formats/format-error.ts'
import { glob, regex } from '../formats/pattern.ts'
import { requestPatternKeys } from '../formats/request-pattern.ts'
import { ifSound, remarked } from '../formats/schema-faults.ts'
import { durationWithin, name } from '../formats/settings.ts'

/**
 * The `spec` of a TrustMap document. What each key means is said here; the JSON Schema for editors follows from it.
 * Everything that one document can have wrong is found here, so what comes out can be compiled.
 */

const text = z.string().min(1).max(2_048)
const scalar = z.union([z.string(), z.number(), z.boolean()])

/** A text that `read` can make sense of; what it throws is the fault. */
const readBy = (read: (value: string) => unknown) =>
  text.superRefine((value, context) => {
    try {
      read(value)
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause
      context.addIssue(remarked({ message: cause.message }))
    }
  })

const claimPath = readBy(claimReader).meta({
  description: 'The name of a claim or, with a leading /, a JSON pointer (RFC 6901).',
  examples: ['sub', '/realm_access/roles'],
})

const globText = readBy(glob)

/** An expression, compiled. */
const expression = (scope: Scope, wanted: ResultType) =>
  text
    .transform((source, context) => {
      const compiled = compileExpression(source, scope, wanted)
      if ('expression' in compiled) return compiled.expression
      const { offset, message, fix } = compiled.problem
      context.addIssue(remarked({ message: `${message} (column ${offset + 1} of the expression)`, fix, offset }))
      return z.NEVER
    })
    .meta({
      description: `A CEL expression over claims, header, client, request, gateway, actor, ${scope === 'identity' ? 'identity, ' : ''}now.`,
      examples: [wanted === 'bool' ? "claims.amr.exists(m, m == 'mfa')" : "'user:' + claims.tid + ':' + claims.oid"],
    })

const sensitivity = z.enum(sensitivities).default('internal').meta({
  description: 'How far the value may travel: it enters a token only if `release` lists the label. Default internal.',
})

const isSaid = (wanted: unknown): boolean => wanted !== undefined

const matcherObject = z
  .strictObject({
    equals: scalar.optional().meta({ description: 'The claim is exactly this.' }),
    in: z.array(scalar).min(1).optional().meta({ description: 'The claim is one of these.' }),
    glob: globText.optional().meta({
      description: 'The whole claim fits: * stops at / and :, ** does not.',
      examples: ['refs/heads/release-*'],
    }),
    regex: readBy(regex).optional().meta({ description: 'The whole claim fits this RE2 regular expression.' }),
    contains: z
      .union([scalar, z.strictObject({ glob: globText }), z.strictObject({ regex: readBy(regex) })])
      .optional()
      .meta({
        description: 'The claim is a list that holds this, or an element that fits the pattern.',
        examples: ['admins', { glob: '*.acme.example' }],
      }),
    exists: z.boolean().optional().meta({ description: 'The claim is there (true) or is not (false).' }),
  })
  .refine((matcher) => Object.values(matcher).some(isSaid), ifSound('says nothing about the claim'))
  .refine(
    ({ exists, ...others }) => exists !== false || !Object.values(others).some(isSaid),
    ifSound('exists: false stands alone'),
  )

const matcher = z.union([scalar, z.array(scalar).min(1), matcherObject]).meta({
  description: 'A value, a list of values of which any will do, or an object of which everything must hold.',
  examples: ['push', ['push', 'workflow_dispatch'], { glob: 'refs/heads/**' }],
})

const claimConditions = z
  .record(claimPath, matcher)
  .refine((claims) => Object.keys(claims).length > 0, ifSound('is empty: leave it out if no claim matters'))
  .optional()
  .meta({ description: 'What claims must be. All must hold; an absent claim holds for `exists: false` only.' })

const actor = z
  .strictObject({
    map: z
      .union([name, z.array(name).min(1)])
      .meta({ description: 'The TrustMap, or one of several, that must vouch for the actor.' }),
    claims: claimConditions,
    expression: expression('credential', 'bool').optional(),
  })
  .meta({
    description:
      "Who must act for the subject: the actor_token, or the client certificate over which the request comes. `claims` are the actor's own. The token names the actor in `act`.",
  })

const gateway = z.union([name, z.array(name).min(1)]).meta({
  description: 'The Gateway, or one of several, that must ask. At the token endpoint none does.',
  examples: [['edge-eu']],
})

const request = z
  .strictObject(requestPatternKeys)
  .refine((pattern) => Object.values(pattern).some(isSaid), ifSound('is empty: leave it out if any request will do'))
  .meta({ description: 'What must have been asked of the gateway. All that is named must fit.' })

const when = z
  .strictObject({
    claims: claimConditions,
    expression: expression('credential', 'bool').optional(),
    gateway: gateway.optional(),
    request: request.optional(),
    actor: actor.optional(),
  })
  .refine((all) => Object.values(all).some(isSaid), ifSound('is empty: leave it out to match every credential'))
  .meta({ description: 'When the rule speaks. Without it, it speaks for every credential of the source.' })

/** Where a mapped value comes from, given the form that it must have. */
const origins = <V extends z.ZodType>(result: ResultType, constant: V) => ({
  claim: claimPath.optional().meta({ description: 'Take the value of this claim.' }),
  value: constant.optional().meta({ description: 'Always this value.' }),
  expression: expression('credential', result).optional(),
  prefix: text.optional().meta({ description: 'Put before the value, or before each element of a list.' }),
})

interface Origins {
  readonly claim?: unknown
  readonly value?: unknown
  readonly expression?: unknown
}

const hasOneOrigin = ({ claim, value, expression: computed }: Origins) =>
  [claim, value, computed].filter(isSaid).length === 1

const oneOrigin = ifSound('needs exactly one of claim, value, expression')

const subject = z
  .strictObject({ ...origins('string', text), sensitivity })
  .refine(hasOneOrigin, oneOrigin)
  .meta({
    description:
      'Who it is inside: 1 to 2,048 characters, none of them invisible. It cannot be left out and has no default.',
    examples: [{ claim: 'sub', prefix: 'user:' }],
  })

const mapped = <V extends z.ZodType>(result: ResultType, constant: V, description: string) =>
  z
    .strictObject({
      ...origins(result, constant),
      default: constant.optional().meta({ description: 'Taken as it is when the value is absent.' }),
      required: z.boolean().default(true).meta({ description: 'Refuse when the value is absent. Default true.' }),
      sensitivity,
    })
    .refine(hasOneOrigin, oneOrigin)
    .meta({ description })

const list = z.array(z.string())
const names = mapped('strings', list, 'A list of strings. One string is not a list of one.')

const attributeName = z
  .string()
  .regex(/^[A-Za-z0-9_:/.#?=&%@-]{1,128}$/, 'letters, digits and _ : / . # ? = & % @ -, at most 128')
  .refine((claim) => !isReservedClaim(claim), "dragoman's own claims cannot be mapped: give it another name")

const mapping = z
  .strictObject({
    type: z.enum(identityTypes).meta({ description: 'What kind of subject it is.' }),
    subject,
    tenant: mapped('string', text, 'The organization that the subject belongs to: one string.').optional(),
    groups: names.optional(),
    roles: names.optional(),
    entitlements: names.optional(),
    claims: z
      .record(attributeName, mapped('json', z.union([scalar, list]), 'A further claim of the token.'))
      .optional()
      .meta({ description: 'Further claims of the token: strings, numbers, booleans, lists of strings.' }),
  })
  .meta({ description: 'Who the subject becomes.' })

const identity = z.union([
  mapping,
  z.literal('same').meta({ description: 'Who it is already, for tokens of our own (source.canonical).' }),
])

/** The forms in which a canonical identity can be issued. */
const profiles = ['access-token', 'jwt-svid'] as const

const grant = z
  .strictObject({
    audiences: z
      .array(globText.meta({ description: 'Exactly this value, or a glob: * stops at / and :, ** does not.' }))
      .min(1)
      .meta({ description: 'For whom tokens may be asked.', examples: [['https://orders.internal.example']] }),
    scopes: z
      .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/, 'a scope has no spaces, quotes or backslashes'))
      .default([])
      .meta({ description: 'The scopes that may be asked for, each exactly. Default none.' }),
    ttl: durationWithin(30, 86_400, 'must be between 30s and 24h')
      .default(300)
      .meta({
        description: 'How long a token lives at most: never longer than asked or than the subject token. Default 5m.',
        examples: ['5m'],
      }),
    profiles: z
      .array(z.enum(profiles))
      .min(1)
      .default(['access-token'])
      .meta({ description: 'The kinds of token that may be asked for. Default access-token.' }),
    senderConstraint: z.enum(['none', 'mtls']).default('none').meta({
      description:
        'mtls: the token is bound to the client certificate over which it was asked for (RFC 8705), and without one refused.',
    }),
    release: z
      .array(z.enum(sensitivities).exclude(['secret']))
      .default(['public', 'internal'])
      .meta({ description: 'The sensitivity labels that may enter the token. `secret` never does.' }),
  })
  .meta({ description: 'What the rule grants at most.' })

const rule = z
  .strictObject({
    name: name.meta({ description: 'Names the rule in tokens, logs and tests.' }),
    when: when.optional(),
    identity,
    grant,
    expires: z.iso
      .date('must be a day such as 2027-03-31')
      .optional()
      .meta({ description: 'The last day (UTC) of the rule. After it, whoever it speaks for is denied.' }),
  })
  .meta({ description: 'The first rule whose `when` holds speaks; no rule means no.' })

const rules = z
  .array(rule)
  .min(1)
  .superRefine((all, context) => {
    const seen = new Set<string>()
    for (const [index, { name: own }] of all.entries()) {
      if (seen.has(own)) context.addIssue(remarked({ message: 'another rule has this name' }, [index, 'name']))
      seen.add(own)
    }
  })

const message = text.meta({ description: 'What the operator reads when it does not hold.' })

const claimRequirement = z.union([
  z.strictObject({
    claim: claimPath,
    requiredValue: scalar.meta({ description: 'The claim must be exactly this.' }),
    message: message.optional(),
  }),
  z.strictObject({ expression: expression('credential', 'bool'), message }),
])

/** `claimValidationRules`, in a map or in a preset. */
export const claimRequirements = z
  .array(claimRequirement)
  .default([])
  .meta({ description: 'Must hold for every credential of the source.' })

/** The `spec` of a TrustMap document, given the schema of `source`. */
export const trustMapSpec = <S extends z.ZodType>(source: S) =>
  z.strictObject({
    mode: z.enum(['enforce', 'audit', 'disabled']).default('enforce').meta({
      description:
        'audit: what validation rules refuse is recorded and let pass; rules still decide. disabled: refuse.',
    }),
    source,
    claimValidationRules: claimRequirements,
    rules,
    identityValidationRules: z
      .array(z.strictObject({ expression: expression('identity', 'bool'), message }))
      .default([])
      .meta({
        description: 'Must hold for every identity that a rule makes; expressions may read `identity` as well.',
        examples: [[{ expression: "!identity.subject.startsWith('system:')", message: 'reserved prefix' }]],
      }),
  })

export type TrustMapSpec = z.output<ReturnType<typeof trustMapSpec<z.ZodUnknown>>>
export type RuleSpec = z.output<typeof rule>
export type IdentitySpec = z.output<typeof mapping>
export type RequirementSpec = z.output<typeof claimRequirement>
export type IdentityRequirementSpec = TrustMapSpec['identityValidationRules'][number]
