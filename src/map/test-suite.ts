import * as z from 'zod'
import type { Claims, Json } from '../domain/claims.ts'
import type { Passage } from '../domain/exchange.ts'
import type { Location } from '../domain/fault.ts'
import { type Reason, reasons } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { type TokenType, tokenTypes } from '../domain/token-type.ts'
import type { Draft } from '../formats/draft.ts'
import { methodGrammar } from '../formats/request-pattern.ts'
import { remarked } from '../formats/schema-faults.ts'
import { name } from '../formats/settings.ts'
import { didYouMean } from '../formats/suggest.ts'

/** A TrustMapTest document: what a policy must decide about credentials that nobody has to sign. */
export interface TestSuite {
  readonly name: string
  readonly location: Location
  /** The time at which the tests run. */
  readonly now: Instant
  readonly tests: readonly PolicyTest[]
}

export interface PolicyTest {
  readonly name: string
  readonly location: Location
  /** The fixture's claims with the test's own over them. */
  readonly claims: Claims
  /** The TrustMap that the credential is of, where its claims do not say so themselves. */
  readonly source?: string
  /** Who acts for the subject: the claims of that credential and the TrustMap that it is of. */
  readonly actor?: { readonly claims: Claims; readonly source: string }
  /** The subject_token_type; absent: any that the source accepts. */
  readonly tokenType?: TokenType
  /** The client_id of the caller; absent: any client that may ask. */
  readonly client?: string
  /** The gateway that asks, and what its caller asked of it. */
  readonly gateway?: Passage
  readonly request: { readonly targets: readonly string[]; readonly scope?: readonly string[] }
  readonly expect: Expectation
}

/** What must come out. What is not named is not looked at. */
export interface Expectation {
  readonly decision: 'allow' | 'deny'
  readonly map?: string
  readonly rule?: string
  readonly reason?: Reason
  /** A subset of the identity: type, subject, tenant, groups, roles, entitlements, claims. */
  readonly identity?: Claims
  /** A subset of the token's claims, with `exp_in` for the seconds from issue to expiry; null: the claim is absent. */
  readonly token?: Claims
}

const text = z.string().min(1).max(2_048)
const json = z.json() as z.ZodType<Json>
const claims = z.record(z.string(), json)

const shortTypes = {
  id_token: tokenTypes.idToken,
  access_token: tokenTypes.accessToken,
  jwt: tokenTypes.jwt,
} as const

const request = z.strictObject({
  audience: z
    .union([text, z.array(text)])
    .optional()
    .meta({ description: 'The audience or audiences asked for.' }),
  scope: z.string().optional().meta({ description: 'The scopes asked for, separated by spaces.' }),
})

const gateway = z
  .strictObject({
    name: name.meta({ description: 'The name of a Gateway.' }),
    method: z.string().regex(methodGrammar, 'a method, in capitals').default('GET'),
    host: z.string().min(1).max(255).default('service.example').meta({ description: 'Lower-case, without port.' }),
    path: z.string().regex(/^\//, 'a path begins with a slash').max(2_048).default('/'),
  })
  .meta({ description: 'The Gateway that asks, and what its caller asked of it.' })

const identity = z.strictObject({
  type: z.enum(['user', 'workload', 'partner']).optional(),
  subject: z.string().optional(),
  tenant: z.string().nullable().optional(),
  groups: z.array(z.string()).nullable().optional(),
  roles: z.array(z.string()).nullable().optional(),
  entitlements: z.array(z.string()).nullable().optional(),
  claims: claims.optional(),
})

const isReason = (word: string): word is Reason => Object.hasOwn(reasons, word)

const expectation = z
  .strictObject({
    decision: z.enum(['allow', 'deny']),
    map: name.optional(),
    rule: name.optional(),
    reason: z
      .enum(Object.keys(reasons).filter(isReason))
      .optional()
      .meta({ description: 'Why it is denied: one of the reason codes.' }),
    identity: identity.optional().meta({ description: 'What the identity must hold; null: it is absent.' }),
    token: claims.optional().meta({
      description: 'What the token must hold; null: the claim is absent. `exp_in` is its lifetime in seconds.',
    }),
  })
  .refine(({ decision, reason }) => decision === 'deny' || reason === undefined, {
    path: ['reason'],
    message: 'only a denial has a reason',
  })
  .refine(({ decision, token }) => decision === 'allow' || token === undefined, {
    path: ['token'],
    message: 'a denial yields no token',
  })

const test = z.strictObject({
  name: text.meta({ description: 'What the test shows, in words.' }),
  token: text.meta({ description: 'The name of a fixture.' }),
  claims: claims.optional().meta({ description: 'Claims put over those of the fixture; null takes one away.' }),
  source: name.optional().meta({
    description:
      'The TrustMap that the credential is of: needed for certificates, SAML assertions and tokens of our own. Without it, the fixture is a token of an issuer.',
  }),
  actor: z
    .strictObject({
      token: text.meta({ description: 'The name of a fixture.' }),
      source: name.meta({ description: 'The TrustMap that the credential is of.' }),
    })
    .optional()
    .meta({ description: 'The credential of the party that acts for the subject.' }),
  type: z
    .enum(['id_token', 'access_token', 'jwt'])
    .optional()
    .meta({ description: 'The subject_token_type. By default one that the source accepts.' }),
  client: text.optional().meta({ description: 'The name of the Client that asks. By default one that may.' }),
  gateway: gateway.optional(),
  request: request.optional(),
  expect: expectation,
})

/** The `spec` of a TrustMapTest document. */
export const testSuiteSpec = z
  .strictObject({
    now: z.iso
      .datetime({ offset: true, error: 'must be a time such as 2026-12-01T12:00:00Z' })
      .meta({ description: 'The time at which the tests run.', examples: ['2026-12-01T12:00:00Z'] }),
    fixtures: z.record(text, claims).meta({ description: 'Claims of credentials, by name. No keys are needed.' }),
    tests: z.array(test).min(1),
  })
  .superRefine(({ fixtures, tests }, context) => {
    for (const [index, { token, actor }] of tests.entries())
      for (const [fixture, path] of [
        [token, ['token']] as const,
        [actor?.token ?? token, ['actor', 'token']] as const,
      ]) {
        if (Object.hasOwn(fixtures, fixture) || (path.length > 1 && actor === undefined)) continue
        const fix = didYouMean(fixture, Object.keys(fixtures))
        context.addIssue(remarked({ message: 'there is no such fixture', fix }, ['tests', index, ...path]))
      }
  })

export type TestSuiteSpec = z.output<typeof testSuiteSpec>
type TestSpec = TestSuiteSpec['tests'][number]

/** Makes the suite ready. `clientIds` holds the client_id of every Client document by the document's name. */
export const compileTestSuite = (
  draft: Draft,
  suite: string,
  spec: TestSuiteSpec,
  clientIds: ReadonlyMap<string, string>,
): TestSuite => ({
  name: suite,
  location: draft.locate(['metadata', 'name']),
  now: Date.parse(spec.now) / 1000,
  tests: spec.tests.map((one, index) => compileTest(draft, index, one, spec.fixtures, clientIds)),
})

/** Clients that a test names and that no document describes. */
export const reportUnknownTestClients = (
  draft: Draft,
  { tests }: TestSuiteSpec,
  clientIds: ReadonlyMap<string, string>,
): void => {
  for (const [index, { client }] of tests.entries())
    if (client !== undefined && !clientIds.has(client))
      draft.reportUnknown(['spec', 'tests', index, 'client'], 'Client', client, [...clientIds.keys()])
}

/** Maps that a test names and that no document describes. */
export const reportUnknownTestSources = (draft: Draft, { tests }: TestSuiteSpec, maps: readonly string[]): void => {
  for (const [index, { source, actor }] of tests.entries())
    for (const [named, path] of [[source, ['source']] as const, [actor?.source, ['actor', 'source']] as const])
      if (named !== undefined && !maps.includes(named))
        draft.reportUnknown(['spec', 'tests', index, ...path], 'TrustMap', named, maps)
}

/** Gateways that a test names and that no document describes. */
export const reportUnknownTestGateways = (
  draft: Draft,
  { tests }: TestSuiteSpec,
  gateways: readonly string[],
): void => {
  for (const [index, { gateway: asking }] of tests.entries())
    if (asking !== undefined && !gateways.includes(asking.name))
      draft.reportUnknown(['spec', 'tests', index, 'gateway', 'name'], 'Gateway', asking.name, gateways)
}

const compileTest = (
  draft: Draft,
  index: number,
  spec: TestSpec,
  fixtures: TestSuiteSpec['fixtures'],
  clientIds: ReadonlyMap<string, string>,
): PolicyTest => {
  const at = ['spec', 'tests', index]
  const client = spec.client === undefined ? undefined : clientIds.get(spec.client)
  return {
    name: spec.name,
    location: draft.locate([...at, 'name']),
    claims: overlaid(fixtures[spec.token] ?? {}, spec.claims ?? {}),
    request: requestOf(spec),
    expect: expectationOf(spec.expect),
    ...(spec.source === undefined ? {} : { source: spec.source }),
    ...(spec.actor === undefined
      ? {}
      : { actor: { claims: fixtures[spec.actor.token] ?? {}, source: spec.actor.source } }),
    ...(spec.type === undefined ? {} : { tokenType: shortTypes[spec.type] }),
    ...(client === undefined ? {} : { client }),
    ...(spec.gateway === undefined ? {} : { gateway: passageOf(spec.gateway) }),
  }
}

const passageOf = ({ name: asking, ...asked }: NonNullable<TestSpec['gateway']>): Passage => ({
  name: asking,
  request: asked,
})

const overlaid = (fixture: Claims, own: Claims): Claims =>
  Object.fromEntries(Object.entries({ ...fixture, ...own }).filter(([claim]) => own[claim] !== null))

const requestOf = ({ request: asked }: TestSpec): PolicyTest['request'] => {
  const targets = [asked?.audience ?? []].flat()
  const scope = asked?.scope?.split(' ').filter((word) => word !== '')
  return scope === undefined ? { targets } : { targets, scope }
}

/** Leaves out what is not named, so that a key that is there means something. */
const expectationOf = (spec: TestSpec['expect']): Expectation => ({
  decision: spec.decision,
  ...(spec.map === undefined ? {} : { map: spec.map }),
  ...(spec.rule === undefined ? {} : { rule: spec.rule }),
  ...(spec.reason === undefined ? {} : { reason: spec.reason }),
  ...(spec.token === undefined ? {} : { token: spec.token }),
  ...(spec.identity === undefined ? {} : { identity: named(spec.identity) }),
})

const named = (members: Readonly<Record<string, Json | undefined>>): Claims =>
  Object.fromEntries(Object.entries(members).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])))
