import * as z from 'zod'
import { appraise } from '../../src/appraise.ts'
import { authenticatedAs } from '../../src/domain/client.ts'
import { Refusal } from '../../src/domain/refusal.ts'
import { secret } from '../../src/domain/secret.ts'
import { newTrace } from '../../src/domain/trace.ts'
import { openPlace, type Place } from '../world/place.ts'
import { testKeyring } from '../world/signing.ts'
import { falseAccept, falseReject, right, skipped, type Timed, timed, type Verdict } from './report.ts'

/** dragoman-jwt-cases/1: one subject token under the issuers, keys, audience and clock of the file's header. */

const jwtCase = z.looseObject({
  id: z.string(),
  expected: z.enum(['accept', 'reject']),
  expected_sub: z.string().optional(),
  token: z.string().optional(),
  subject_token_type: z.string().default('urn:ietf:params:oauth:token-type:jwt'),
  or_accept: z.unknown().optional(),
  or_reject: z.unknown().optional(),
  requires: z.unknown().optional(),
  time_limit_ms: z.number().optional(),
})

const jwtFile = z.looseObject({
  now: z.number(),
  clock_skew_s: z.number().default(60),
  max_subject_lifetime_s: z.number().default(86_400),
  audience: z.string(),
  self_issuer: z.string(),
  issuers: z.record(z.string(), z.looseObject({ algs: z.array(z.string()), jwks: z.looseObject({}) })),
  spiffe_bundles: z.record(z.string(), z.looseObject({})).default({}),
  cases: z.array(jwtCase),
})

type JwtCase = z.output<typeof jwtCase>
type JwtFile = z.output<typeof jwtFile>

/** Judges every case of the file `content`. */
export const runJwtCases = async (content: unknown): Promise<readonly Timed[]> => {
  const file = jwtFile.parse(content)
  const place = await openJwtPlace(file)
  const verdicts: Timed[] = []
  for (const one of file.cases) verdicts.push(await timed(one.time_limit_ms, () => judge(one, file, place)))
  return verdicts
}

const openJwtPlace = async (file: JwtFile): Promise<Place> => {
  const issuers = Object.entries(file.issuers)
  const domains = Object.entries(file.spiffe_bundles)
  const trustDomains = domains.map(([name], n) => ({ name, bundleFile: `domain-${n}.json` }))
  return openPlace({
    issuer: file.self_issuer,
    now: () => file.now,
    documents: [
      ...issuers.map(([issuer, { algs }], n) => mapFor(issuer, algs, n, file)),
      ...(domains.length === 0 ? [] : [mapForWorkloads(trustDomains, file)]),
    ],
    files: Object.fromEntries([
      ...issuers.map(([, { jwks }], n) => [`issuer-${n}.jwks.json`, jwks] as const),
      ...domains.map(([, bundle], n) => [`domain-${n}.json`, bundle] as const),
    ]),
    keyring: await testKeyring(),
  })
}

/** A map as a careful operator would write it: subject as it is, an e-mail only when it is verified, groups as a list. */
const mapFor = (issuer: string, algorithms: readonly string[], n: number, file: JwtFile) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind: 'TrustMap',
  metadata: { name: `issuer-${n}` },
  spec: {
    source: {
      oidc: {
        issuer,
        jwksFile: `issuer-${n}.jwks.json`,
        audiences: [file.audience],
        algorithms,
        clockSkew: `${file.clock_skew_s}s`,
        maxLifetime: `${file.max_subject_lifetime_s}s`,
      },
    },
    claimValidationRules: [
      { expression: '!has(claims.email) || claims.email_verified == true', message: 'the e-mail is not verified' },
    ],
    rules: [
      {
        name: 'everyone',
        when: { claims: { sub: { exists: true } } },
        identity: {
          type: 'user',
          subject: { claim: 'sub' },
          groups: { claim: 'groups', required: false },
          claims: { email: { claim: 'email', sensitivity: 'pii', required: false } },
        },
        grant: { audiences: ['https://svc-b.internal'], ttl: '5m' },
      },
    ],
  },
})

/** Workloads by their JWT-SVIDs, each trust domain by its own bundle. */
const mapForWorkloads = (trustDomains: readonly object[], file: JwtFile) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind: 'TrustMap',
  metadata: { name: 'workloads' },
  spec: {
    source: {
      spiffe: {
        trustDomains,
        types: ['jwt-svid'],
        audiences: [file.audience],
        clockSkew: `${file.clock_skew_s}s`,
        maxLifetime: `${file.max_subject_lifetime_s}s`,
      },
    },
    rules: [
      {
        name: 'everyone',
        when: { claims: { sub: { exists: true } } },
        identity: { type: 'workload', subject: { claim: 'sub' } },
        grant: { audiences: ['https://svc-b.internal'], ttl: '5m' },
      },
    ],
  },
})

const client = authenticatedAs({
  id: 'svc-a',
  method: 'private_key_jwt',
  rights: { sources: ['**'], audiences: ['**'], scopes: ['**'] },
})

const judge = async (one: JwtCase, file: JwtFile, place: Place): Promise<Verdict> => {
  if (one.requires !== undefined) return skipped(one.id, `requires ${JSON.stringify(one.requires)}`)
  if (one.token === undefined) return skipped(one.id, 'the case has no token')
  const before = place.outboundAttempts()
  const found = await appraised(one, one.token, file, place)
  if (place.outboundAttempts() !== before) return falseAccept(one.id, 'an outbound request was attempted')
  if ('subject' in found) return judgeAccepted(one, found.subject)
  if (one.expected === 'reject' || allows(one.or_reject)) return right(one.id)
  const needs = neededVerifier(one.token, file)
  return needs === undefined ? falseReject(one.id, found.refused) : skipped(one.id, needs)
}

const allows = (flag: unknown) => flag !== undefined && flag !== false

const judgeAccepted = (one: JwtCase, subject: string): Verdict => {
  if (one.expected === 'reject' && !allows(one.or_accept)) return falseAccept(one.id, `accepted as ${subject}`)
  if (one.expected_sub !== undefined && one.expected_sub !== subject)
    return falseAccept(one.id, `accepted as ${subject}, not as ${one.expected_sub}`)
  return right(one.id)
}

const appraised = async (one: JwtCase, token: string, file: JwtFile, place: Place) => {
  const request = {
    client: { method: 'client_secret_basic' as const, id: client.id, secret: secret('') },
    subject: { type: one.subject_token_type, raw: secret(token) },
    targets: [],
  }
  try {
    const found = await appraise(request, client, place.desk, file.now, newTrace(one.id, file.now, true))
    return { subject: found.identity.subject.value }
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown
    return { refused: thrown.message }
  }
}

/** Is a token that should be accepted of a kind that this build has no verifier for? */
const neededVerifier = (token: string, file: JwtFile): string | undefined => {
  const parts = token.split('.')
  if (parts.length === 5) return 'encrypted tokens are not accepted'
  const payload = Buffer.from(parts[1] ?? '', 'base64url').toString()
  return issuerIn(payload) === file.self_issuer ? 'tokens of our own are not accepted as subject tokens' : undefined
}

/** A case may hold anything at all: what names no issuer needs no verifier that we lack. */
const issuerIn = (payload: string): unknown => {
  try {
    return z.looseObject({ iss: z.unknown().optional() }).parse(JSON.parse(payload)).iss
  } catch {
    return undefined
  }
}
