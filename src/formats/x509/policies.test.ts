import { describe, expect, it } from 'vitest'
import {
  type CertificateOptions,
  oids,
  type TestAuthority,
  type TestExtension,
  testAuthority,
  testKey,
} from '../../../test/world/certificates.ts'
import { type Der, implicit, integer, integerOctets, oid, sequence } from '../../../test/world/der.ts'
import { type Certificate, parseCertificate } from './certificate.ts'
import { validPolicies } from './policies.ts'

const key = testKey()
const any = '2.5.29.32.0'
const [P1, P2, P3] = ['1.2.3.1', '1.2.3.2', '1.2.3.3'] as const

const policies = (...named: readonly string[]): TestExtension => ({
  oid: oids.certificatePolicies,
  value: sequence(...named.map((policy) => sequence(oid(policy)))),
})
const mappings = (...pairs: readonly (readonly [string, string])[]): TestExtension => ({
  oid: oids.policyMappings,
  critical: true,
  value: sequence(...pairs.map(([from, to]) => sequence(oid(from), oid(to)))),
})
const field = (number: number, value: number | undefined): readonly Der[] =>
  value === undefined ? [] : [implicit(number, integerOctets(BigInt(value)))]
const limits = (explicitPolicy: number | undefined, mapping?: number): TestExtension => ({
  oid: oids.policyConstraints,
  critical: true,
  value: sequence(...field(0, explicitPolicy), ...field(1, mapping)),
})
const noAny = (skip: number): TestExtension => ({ oid: oids.inhibitAnyPolicy, critical: true, value: integer(skip) })

type Link = readonly TestExtension[] | { readonly name: string; readonly extensions: readonly TestExtension[] }

/** The policies of a path under `anchor`: an authority for each link but the last, which is the leaf. */
const valid = (links: readonly Link[], anchor: CertificateOptions = {}): readonly string[] | undefined => {
  const root = testAuthority('root', { key, ...anchor })
  const path: Certificate[] = []
  let issuer: TestAuthority = root
  for (const [at, link] of links.entries()) {
    const { name, extensions } = 'name' in link ? link : { name: `link ${at}`, extensions: link }
    const isLeaf = at === links.length - 1
    const next = issuer.subordinate(name, { key, extensions, ...(isLeaf ? { ca: false } : {}) })
    path.push(parseCertificate(next.der))
    issuer = next
  }
  return validPolicies(path, parseCertificate(root.der))
}

const selfIssued = (...extensions: readonly TestExtension[]) => ({ name: 'root', extensions })

describe('policies', () => {
  it('are those that all certificates of the path have', () => {
    expect(valid([[policies(P1, P2)], [policies(P2, P3)], [policies(P2)]])).toEqual([P2])
    expect(valid([[policies(P1)], [policies(P2)]])).toEqual([])
    expect(valid([[policies(P1)], [], [policies(P1)]])).toEqual([])
    expect(valid([[], []])).toEqual([])
  })

  it('are narrowed by any policy and widened by none', () => {
    expect(valid([[policies(any)], [policies(P1)]])).toEqual([P1])
    expect(valid([[policies(P1)], [policies(any)]])).toEqual([P1])
    expect(valid([[policies(any)], [policies(any)]])).toEqual([any])
    expect(valid([[policies(P1, any)], [policies(P2)]])).toEqual([P2])
  })

  it('are demanded by an authority, from the certificate that it says', () => {
    expect(valid([[limits(0)], []])).toBeUndefined()
    expect(valid([[policies(P1), limits(0)], [policies(P1)]])).toEqual([P1])
    expect(valid([[policies(P1), limits(0)], [policies(P2)]])).toBeUndefined()
    expect(valid([[limits(1)], [], []])).toBeUndefined()
    expect(valid([[limits(2)], [], []])).toBeUndefined()
    expect(valid([[limits(3)], [], []])).toEqual([])
    expect(valid([[limits(5)], [], []])).toEqual([])
    expect(valid([[], [limits(0)]])).toBeUndefined()
    expect(valid([[], [limits(1)]])).toEqual([])
  })

  it('are demanded by the anchor too', () => {
    expect(valid([[], []], { extensions: [limits(0)] })).toBeUndefined()
    expect(valid([[policies(P1)], [policies(P1)]], { extensions: [limits(0)] })).toEqual([P1])
    expect(valid([[policies(any)], [policies(any)]], { extensions: [limits(0), noAny(0)] })).toBeUndefined()
  })

  it('are not counted down by self-issued certificates', () => {
    expect(valid([selfIssued(limits(2)), selfIssued(), selfIssued(), []])).toEqual([])
    expect(valid([selfIssued(limits(2)), selfIssued(), [], []])).toBeUndefined()
  })

  it('are no longer any policy where that is inhibited', () => {
    expect(valid([[policies(any), noAny(0)], [policies(any)]])).toEqual([])
    expect(valid([[policies(any), noAny(1)], [policies(any)]])).toEqual([any])
    expect(valid([[policies(any), noAny(1)], [policies(any)], [policies(any)]])).toEqual([])
    expect(valid([[policies(any), noAny(0)], [policies(P1)]])).toEqual([P1])
    expect(valid([[policies(any), noAny(0), limits(0)], [policies(any)]])).toBeUndefined()
  })

  it('may still be any policy in a self-issued certificate, which is not the last', () => {
    const inhibiting = selfIssued(policies(any), noAny(0))
    expect(valid([inhibiting, selfIssued(policies(any)), [policies(P1)]])).toEqual([P1])
    expect(valid([inhibiting, selfIssued(policies(any))])).toEqual([])
  })

  it('are mapped, and named as the anchor names them', () => {
    expect(valid([[policies(P1), mappings([P1, P2])], [policies(P2)]])).toEqual([P1])
    expect(valid([[policies(P1), mappings([P1, P2])], [policies(P1)]])).toEqual([])
    expect(valid([[policies(P1), mappings([P1, P2], [P1, P3])], [policies(P3)]])).toEqual([P1])
    expect(valid([[policies(P1, P2), mappings([P1, P3], [P2, P3])], [policies(P3)]])).toEqual([P1, P2])
    expect(valid([[policies(any), mappings([P1, P2])], [policies(P2)]])).toEqual([P1])
    expect(valid([[policies(P1), mappings([P1, P2])], [policies(P2), mappings([P2, P3])], [policies(P3)]])).toEqual([
      P1,
    ])
  })

  it('are not mapped where that is inhibited', () => {
    expect(valid([[policies(P1), limits(undefined, 0)], [policies(P1), mappings([P1, P2])], [policies(P2)]])).toEqual(
      [],
    )
    expect(valid([[policies(P1), limits(undefined, 1)], [policies(P1), mappings([P1, P2])], [policies(P2)]])).toEqual([
      P1,
    ])
    expect(valid([[policies(P1), mappings([P1, P2])], [policies(P2)]], { extensions: [limits(undefined, 0)] })).toEqual(
      [],
    )
    const demanded = [policies(P1), limits(0, 0)]
    expect(valid([demanded, [policies(P1), mappings([P1, P2])], [policies(P2)]])).toBeUndefined()
  })

  it('are never mapped from or to any policy', () => {
    expect(valid([[policies(P1), mappings([any, P1])], [policies(P1)]])).toBeUndefined()
    expect(valid([[policies(P1), mappings([P1, any])], [policies(P1)]])).toBeUndefined()
  })

  it('take time in proportion to the certificates, not to the ways through them', () => {
    const many = Array.from({ length: 16 }, (_, at) => `1.2.4.${at}`)
    const all = many.flatMap((from) => many.slice(0, 8).map((to): readonly [string, string] => [from, to]))
    const startedAt = performance.now()
    const link = [policies(...many), mappings(...all)]
    expect(valid([...Array.from({ length: 12 }, () => link), [policies(...many)]])).toHaveLength(16)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})
