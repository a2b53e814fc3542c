import * as z from 'zod'
import type { RateLimit } from '../domain/rate-limit.ts'
import { type TokenType, tokenTypes } from '../domain/token-type.ts'
import { requestPatternKeys } from './request-pattern.ts'
import { type Remark, remarked } from './schema-faults.ts'
import { duration, name } from './settings.ts'

/** What a Gateway document says about the requests that the gateway asks about. There where `dialect` is. */
export interface DecisionSettings {
  /** The kind of gateway, a word of the catalog. */
  readonly dialect: string
  /** Where the credential may be, in order: the first that is there counts. */
  readonly credentialFrom: readonly CredentialPlace[]
  /** Names of the trust maps whose credentials count, exactly or as globs. */
  readonly sources: readonly string[]
  /** In order: the first that fits a request speaks for it. */
  readonly routes: readonly RouteSettings[]
  readonly respond: RespondSettings
  /** CORS preflight requests pass without a credential. */
  readonly preflight: boolean
  /** The share of a token's life for which it is handed out again, from 0 to 1. */
  readonly reuse: number
  readonly rateLimit: { readonly gateway?: RateLimit | undefined; readonly subject?: RateLimit | undefined }
}

/** A header field with a credential in it, or the client certificate of the request. */
export type CredentialPlace =
  | {
      /** Lower-case. */
      readonly header: string
      /** The word before the credential (RFC 9110 section 11.4); absent: the credential is the whole value. */
      readonly scheme?: string | undefined
      readonly type: TokenType
    }
  | { readonly certificate: true }

export interface RouteSettings {
  readonly name: string
  /** Globs, lower-case. */
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  /** Absent: all. */
  readonly methods?: readonly string[] | undefined
  readonly audience: string
  readonly scopes: readonly string[]
  /** Requests without any credential pass as nobody's. */
  readonly anonymous: boolean
}

/** What the gateway is told to put on a request that may pass. */
export interface RespondSettings {
  /** The header of the token. */
  readonly header: string
  /** The word before it; absent: the token is the whole value. */
  readonly scheme?: string | undefined
  /** Say who it is in headers as well. */
  readonly identity: boolean
  /** Headers to take off the request, lower-case. */
  readonly removeHeaders: readonly string[]
}

/** What the document needs to know about a dialect. */
export interface DialectKind {
  readonly kind: string
  readonly can: { readonly removal: boolean; readonly certificate: boolean }
}

/** The headers in which an identity is told. Every answer that lets a request pass has them all. */
export const identityHeaders = {
  subject: 'X-Dragoman-Subject',
  client: 'X-Dragoman-Client',
  rule: 'X-Dragoman-Rule',
  tenant: 'X-Dragoman-Tenant',
  transaction: 'X-Dragoman-Txn',
} as const

/** Headers that steer the message or the gateway: no credential stands in them, and no token. */
const steering = new Set(
  [
    'host connection content-length content-type content-encoding transfer-encoding te trailer upgrade expect',
    'keep-alive proxy-connection cookie set-cookie origin forwarded www-authenticate cache-control location date',
    'x-request-id x-envoy-auth-headers-to-remove access-control-request-method',
    ...Object.values(identityHeaders),
  ].flatMap((line) => line.toLowerCase().split(' ')),
)

export const steers = (header: string): boolean =>
  steering.has(header.toLowerCase()) || /^x-(?:forwarded|original)-/i.test(header)

export const headerName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/, 'the name of a header: letters, digits, hyphens')

const ownHeader = headerName.refine((header) => !steers(header), 'this header has a meaning of its own; choose another')

/** RFC 9110 section 11.1. */
const scheme = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,31}$/, 'the name of an authentication scheme')

const credentialTypes = {
  access_token: tokenTypes.accessToken,
  id_token: tokenTypes.idToken,
  jwt: tokenTypes.jwt,
  saml2: tokenTypes.saml2,
} as const

const credentialPlace = z.union([
  z.strictObject({
    header: ownHeader
      .transform((header) => header.toLowerCase())
      .meta({ description: 'The header with the credential.', examples: ['authorization'] }),
    scheme: scheme
      .optional()
      .meta({ description: 'The word before it. Absent: the credential is the whole value.', examples: ['Bearer'] }),
    type: z
      .enum(['access_token', 'id_token', 'jwt', 'saml2'])
      .transform((word) => credentialTypes[word])
      .meta({ description: 'What it is: as subject_token_type of a token exchange.' }),
  }),
  z.strictObject({
    certificate: z
      .literal(true)
      .meta({ description: 'The client certificate of the request, as certificateFrom says.' }),
  }),
])

const behaviour = z.enum(['deny', 'pass'])

const route = z.strictObject({
  name: name.meta({ description: 'Names the route in audit events.' }),
  ...requestPatternKeys,
  audience: z
    .string()
    .min(1)
    .max(2_048)
    .regex(/^[^*]*$/, 'an audience is exact: a token is for one service')
    .meta({ description: 'Whom the token is for: this service alone.', examples: ['https://orders.internal.example'] }),
  scopes: z
    .array(
      z
        .string()
        .regex(/^[\x21\x23-\x29\x2b-\x5b\x5d-\x7e]{1,256}$/, 'a scope has no spaces, quotes, backslashes or stars'),
    )
    .default([])
    .meta({ description: 'What the token may be used for. Default nothing.' }),
  anonymous: behaviour.optional().meta({ description: 'In place of `anonymous` of the gateway, for this route.' }),
})

const respond = z.strictObject({
  header: ownHeader.default('Authorization').meta({ description: 'The header of our token. Default Authorization.' }),
  scheme: scheme
    .optional()
    .meta({ description: 'The word before it. Default Bearer in Authorization, and none in other headers.' }),
  identity: z
    .boolean()
    .default(true)
    .meta({ description: 'Say who it is in X-Dragoman-* headers as well. Where not, they are there and say `-`.' }),
  removeHeaders: z
    .array(headerName.transform((header) => header.toLowerCase()))
    .default([])
    .meta({ description: 'Headers that the gateway takes off the request, where its dialect has a way to say so.' }),
})

const rateLimit = z.strictObject({
  requests: z.int().min(1).max(1_000_000_000).meta({ description: 'How many requests.' }),
  per: duration.meta({ description: 'In which time.', examples: ['1s'] }),
})

/** The keys of a Gateway document's `spec` that are about decisions. */
export const decisionKeys = (dialects: readonly DialectKind[]) => ({
  dialect: z
    .enum(dialects.map(({ kind }) => kind))
    .optional()
    .meta({ description: 'The kind of gateway. With it the gateway may ask at /authz/NAME.' }),
  credentialFrom: z
    .array(credentialPlace)
    .min(1)
    .max(8)
    .optional()
    .meta({ description: 'Where the credential is; the first that is there counts. Default: a Bearer access token.' }),
  sources: z
    .array(z.string().min(1).max(512))
    .optional()
    .meta({ description: 'Names of the TrustMaps whose credentials count, exactly or as globs. Default: all.' }),
  routes: z
    .array(route)
    .min(1)
    .superRefine((all, context) => {
      const seen = new Set<string>()
      for (const [index, { name: own }] of all.entries()) {
        if (seen.has(own)) context.addIssue(remarked({ message: 'another route has this name' }, [index, 'name']))
        seen.add(own)
      }
    })
    .optional()
    .meta({ description: 'The first that fits a request speaks for it; what fits none is refused.' }),
  respond: respond.optional().meta({ description: 'What the gateway puts on a request that may pass.' }),
  anonymous: behaviour.optional().meta({ description: 'A request without any credential. Default deny.' }),
  preflight: behaviour
    .optional()
    .meta({ description: 'A CORS preflight for a request that a route speaks for. Default deny.' }),
  reuse: z
    .number()
    .min(0)
    .max(0.9)
    .optional()
    .meta({ description: "The share of a token's life for which it is handed out again; 0: never. Default 0.5." }),
  rateLimit: z
    .strictObject({ gateway: rateLimit.optional(), subject: rateLimit.optional() })
    .optional()
    .meta({ description: 'How many requests are answered: of the gateway as a whole, and of one subject.' }),
})

type DecisionSpec = z.output<z.ZodObject<ReturnType<typeof decisionKeys>>>

/** What is wrong with the keys together, and where. */
export const decisionRemarks = (
  spec: DecisionSpec & { readonly certificateFrom?: unknown },
  dialects: readonly DialectKind[],
): readonly (Remark & { readonly at: readonly (string | number)[] })[] => {
  const dialect = dialects.find(({ kind }) => kind === spec.dialect)
  if (dialect === undefined) return withoutDialect(spec)
  const { routes, respond: answer, credentialFrom = [], certificateFrom } = spec
  const remarks: (Remark & { readonly at: readonly (string | number)[] })[] = []
  if (routes === undefined) remarks.push({ at: ['routes'], message: 'is missing', fix: 'a gateway decides by routes' })
  if ((answer?.removeHeaders ?? []).length > 0 && !dialect.can.removal)
    remarks.push({
      at: ['respond', 'removeHeaders'],
      message: `gateways of the dialect ${dialect.kind} cannot be told to remove headers`,
      fix: "remove them in the gateway's own configuration",
    })
  const byCertificate = credentialFrom.findIndex((place) => 'certificate' in place)
  if (byCertificate >= 0 && certificateFrom === undefined && !dialect.can.certificate)
    remarks.push({
      at: ['credentialFrom', byCertificate],
      message: 'nothing says how the gateway states the certificate',
      fix: 'add certificateFrom',
    })
  return remarks
}

const decisionWords = [
  'credentialFrom',
  'sources',
  'routes',
  'respond',
  'anonymous',
  'preflight',
  'reuse',
  'rateLimit',
] as const

const withoutDialect = (spec: DecisionSpec & { readonly certificateFrom?: unknown }) => {
  const idle = decisionWords.filter((word) => spec[word] !== undefined)
  if (idle.length > 0 || spec.certificateFrom !== undefined)
    return idle.map((word) => ({ at: [word], message: 'is of no use without `dialect`', fix: 'add dialect' }))
  return [{ at: [], message: 'needs certificateFrom, dialect or both', fix: 'dialect: nginx' }]
}

/** A Bearer access token in Authorization. */
export const usualPlace: CredentialPlace = { header: 'authorization', scheme: 'Bearer', type: tokenTypes.accessToken }

/** The settings with what is not said filled in; undefined without a dialect. */
export const decisionSettings = (spec: DecisionSpec): DecisionSettings | undefined => {
  const {
    dialect,
    routes = [],
    respond: answer = { header: 'Authorization', identity: true, removeHeaders: [] },
  } = spec
  if (dialect === undefined) return undefined
  return {
    dialect,
    credentialFrom: spec.credentialFrom ?? [usualPlace],
    sources: spec.sources ?? ['*'],
    routes: routes.map(({ hosts = ['**'], paths = ['/**'], anonymous = spec.anonymous, ...others }) => ({
      ...others,
      hosts,
      paths,
      anonymous: anonymous === 'pass',
    })),
    respond: { ...answer, scheme: answer.scheme ?? usualScheme(answer.header) },
    preflight: spec.preflight === 'pass',
    reuse: spec.reuse ?? 0.5,
    rateLimit: spec.rateLimit ?? {},
  }
}

const usualScheme = (header: string): string | undefined =>
  header.toLowerCase() === 'authorization' ? 'Bearer' : undefined
