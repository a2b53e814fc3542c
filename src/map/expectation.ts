import type { Claims, Json } from '../domain/claims.ts'
import type { CanonicalIdentity, Labelled } from '../domain/identity.ts'
import type { Trace } from '../domain/trace.ts'
import type { Expectation } from './test-suite.ts'

/** What came of a policy test: the record, and as much of the result as there was. */
export interface Outcome {
  readonly trace: Trace
  readonly identity?: CanonicalIdentity
  /** The claims of the token. */
  readonly token?: Claims
}

/** What came out other than `expected`, a line each. What is not named in `expected` is not looked at. */
export const differencesFrom = (expected: Expectation, { trace, identity, token }: Outcome): readonly string[] => {
  const { outcome } = trace
  const decision = outcome?.granted === true ? 'allow' : 'deny'
  if (decision !== expected.decision) {
    const why = outcome?.granted === false ? ` (${outcome.reason}: ${outcome.detail})` : ''
    return [`decision: expected ${expected.decision}, got ${decision}${why}`]
  }
  return [
    ...differing('map', expected.map, trace.map),
    ...differing('rule', expected.rule, trace.rule),
    ...differing('reason', expected.reason, outcome?.granted === false ? outcome.reason : undefined),
    ...differingMembers('identity', expected.identity, identity === undefined ? {} : plainIdentity(identity)),
    ...differingMembers('token', expected.token, token === undefined ? {} : withLifetime(token)),
  ]
}

const differing = (what: string, expected: string | undefined, got: string | undefined): readonly string[] =>
  expected === undefined || expected === got ? [] : [`${what}: expected ${expected}, got ${got ?? 'none'}`]

/** `claims` of an identity is a subset itself; null stands for a member that is absent. */
const differingMembers = (what: string, expected: Claims | undefined, got: Claims): readonly string[] =>
  Object.entries(expected ?? {}).flatMap(([name, wanted]) => {
    const value = Object.hasOwn(got, name) ? got[name] : undefined
    if (what === 'identity' && name === 'claims')
      return differingMembers('identity.claims', asClaims(wanted), asClaims(value))
    if (canonical(wanted ?? null) === canonical(value ?? null)) return []
    return [
      `${what}.${name}: expected ${wanted === null ? 'none' : JSON.stringify(wanted)}, got ${value === undefined ? 'none' : JSON.stringify(value)}`,
    ]
  })

const asClaims = (value: Json | undefined): Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : {}

/** The same text for values that are the same, in whatever order their members stand. */
const canonical = (value: Json): string =>
  JSON.stringify(value, (_key, inner: Json) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )

const withLifetime = (token: Claims): Claims => ({ ...token, exp_in: Number(token['exp']) - Number(token['iat']) })

const plainIdentity = (identity: CanonicalIdentity): Claims => {
  const { type, subject, tenant, groups, roles, entitlements, attributes } = identity
  const labelled = Object.entries({ subject, tenant, groups, roles, entitlements })
  const plain = labelled.flatMap(([name, held]: [string, Labelled<Json> | undefined]) =>
    held === undefined ? [] : [[name, held.value]],
  )
  return {
    type,
    ...Object.fromEntries(plain),
    claims: Object.fromEntries([...attributes].map(([name, { value }]) => [name, value])),
  }
}
