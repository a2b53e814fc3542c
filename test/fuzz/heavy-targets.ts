import fc from 'fast-check'
import { parseCertificate } from '../../src/formats/x509/certificate.ts'
import { generalNames, oids, type TestAuthority, testAuthority, testKey } from '../world/certificates.ts'
import { bytes, type Der, explicit, implicit, octetString, oid, sequence } from '../world/der.ts'
import type { Corpus } from './corpus.ts'
import { accepted, type Presented, validated } from './path-targets.ts'
import type { Target } from './target.ts'

/** What is well-formed and truly signed, and made to cost as much as it can. */

/** As many as a token may carry beside the leaf. */
const mostPresented = 9

const plain = (der: Der): Uint8Array => Uint8Array.from(der)

/** All the same, so that every authority of one name may have issued everything. */
const identifiers = [
  { oid: oids.subjectKeyIdentifier, value: octetString(bytes(1)) },
  { oid: oids.authorityKeyIdentifier, value: sequence(implicit(0, bytes(1))) },
]

/** Authorities of one name that have all signed each other, under the keys that cost most; none leads anywhere. */
const pool = (corpus: Corpus): Target<Presented> => {
  const anchors = [parseCertificate(corpus.root.der)]
  const keys = Array.from({ length: mostPresented }, (_, n) => testKey(n % 3 === 2 ? 'P-384' : 'P-521'))
  const authorities = keys.map((key) => testAuthority('Hydra', { key }))
  const certificates = authorities.flatMap((authority) =>
    keys.map((key) => plain(authority.subordinate('Hydra', { key, extensions: identifiers }).der)),
  )
  const leaves = authorities.map((authority) => plain(authority.issue({ extensions: identifiers }).der))
  const index = fc.nat({ max: 999 })
  return {
    name: 'pool',
    share: 0.3,
    inputs: fc.tuple(index, fc.array(index, { minLength: 1, maxLength: mostPresented })).map(([which, others]) => ({
      leaf: leaves[which % leaves.length] ?? new Uint8Array(),
      intermediates: others.map((other) => certificates[other % certificates.length] ?? new Uint8Array()),
    })),
    good: [],
    async judge(presented) {
      await validated(presented, anchors)
      accepted('a path to nowhere')
    },
  }
}

const policy = (number: number): Der => oid(`1.3.6.1.4.1.55555.2.${number}`)
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n)

/** Policies that are all mapped to all: the tree of RFC 5280 section 6.1.2 (a) grows with every authority. */
const policyExtensions = (count: number, mapped: boolean) => [
  { oid: oids.certificatePolicies, value: sequence(...numbers(count).map((n) => sequence(policy(n)))) },
  ...(mapped
    ? [
        {
          oid: oids.policyMappings,
          critical: true,
          value: sequence(
            ...numbers(count).flatMap((from) => numbers(count).map((to) => sequence(policy(from), policy(to)))),
          ),
        },
      ]
    : []),
]

const policies = (corpus: Corpus): Target<Presented> => {
  const anchors = [parseCertificate(corpus.root.der)]
  const key = testKey()
  const chainOf = (depth: number, count: number): Presented => {
    const authorities: TestAuthority[] = []
    for (let level = 0; level < depth; level++) {
      const issuer = authorities.at(-1) ?? corpus.root
      authorities.push(issuer.subordinate(`Level ${level}`, { key, extensions: policyExtensions(count, true) }))
    }
    const leaf = (authorities.at(-1) ?? corpus.root).issue({ key, extensions: policyExtensions(count, false) })
    return { leaf: plain(leaf.der), intermediates: authorities.map(({ der }) => plain(der)) }
  }
  return {
    name: 'policies',
    share: 0.2,
    inputs: fc
      .tuple(fc.integer({ min: 1, max: mostPresented }), fc.integer({ min: 1, max: 24 }))
      .map(([depth, count]) => chainOf(depth, count)),
    good: [chainOf(2, 2)],
    judge: (presented) => validated(presented, anchors),
  }
}

/** Many names in a leaf, each to be held against many constraints. */
const names = (corpus: Corpus): Target<Presented> => {
  const anchors = [parseCertificate(corpus.root.der)]
  const key = testKey()
  const label = (n: number): string => `${'a.'.repeat(n % 20)}n${n}.example.org`
  const chainOf = (nameCount: number, baseCount: number): Presented => {
    const bases = numbers(baseCount).map((n) => sequence(generalNames.dns(`never${n}.example.org`)))
    const value = sequence(explicit(0, sequence(generalNames.dns('example.org'))), explicit(1, ...bases))
    const issuer = corpus.root.subordinate('Strict', {
      key,
      extensions: [{ oid: oids.nameConstraints, critical: true, value }],
    })
    const leaf = issuer.issue({ key, dns: numbers(nameCount).map(label) })
    return { leaf: plain(leaf.der), intermediates: [plain(issuer.der)] }
  }
  return {
    name: 'names',
    share: 0.2,
    inputs: fc
      .tuple(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 2_000 }))
      .map(([nameCount, baseCount]) => chainOf(nameCount, baseCount)),
    good: [chainOf(3, 3)],
    judge: (presented) => validated(presented, anchors),
  }
}

export const heavyTargets = (corpus: Corpus): readonly Target<unknown>[] =>
  [pool, policies, names].map((make): Target<unknown> => make(corpus))
