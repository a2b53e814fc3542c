import * as z from 'zod'
import { verifiers } from '../../src/catalog.ts'
import { authenticatedAs } from '../../src/domain/client.ts'
import { Refusal } from '../../src/domain/refusal.ts'
import { secret } from '../../src/domain/secret.ts'
import { tokenTypes } from '../../src/domain/token-type.ts'
import { newTrace } from '../../src/domain/trace.ts'
import { verify } from '../../src/verify/verify.ts'
import { openPlace, type Place } from '../world/place.ts'
import { testKeyring } from '../world/signing.ts'
import { falseAccept, falseReject, right, type Timed, timed, type Verdict } from './report.ts'

/** dragoman-x509svid-chain/1: a leaf and intermediates under the bundles of the file's header, one a trust domain. */

const chainCase = z.looseObject({
  id: z.string(),
  expected: z.enum(['accept', 'reject']),
  spiffe_id: z.string().optional(),
  leaf: z.string(),
  intermediates: z.array(z.string()).default([]),
  time_limit_ms: z.number().optional(),
})

export const chainFile = z.looseObject({
  now: z.iso.datetime(),
  bundles: z.record(z.string(), z.array(z.string())),
  cases: z.array(chainCase),
})

type ChainCase = z.output<typeof chainCase>
type ChainFile = z.output<typeof chainFile>

/** Judges every case of the file `content`. */
export const runX509SvidChains = async (content: unknown): Promise<readonly Timed[]> => {
  const file = chainFile.parse(content)
  const place = await openSvidPlace(file)
  const verdicts: Timed[] = []
  for (const one of file.cases) verdicts.push(await timed(one.time_limit_ms, () => judge(one, place)))
  return verdicts
}

const openSvidPlace = async ({ now, bundles }: ChainFile): Promise<Place> => {
  const domains = Object.entries(bundles)
  return openPlace({
    issuer: 'https://dragoman.example.com',
    now: () => Date.parse(now) / 1_000,
    documents: [mapFor(domains.map(([name], n) => ({ name, bundleFile: `bundle-${n}.json` })))],
    files: Object.fromEntries(domains.map(([, authorities], n) => [`bundle-${n}.json`, bundleOf(authorities)])),
    keyring: await testKeyring(),
  })
}

const bundleOf = (authorities: readonly string[]) => ({
  keys: authorities.map((der) => ({ kty: 'EC', use: 'x509-svid', x5c: [der] })),
})

const mapFor = (trustDomains: readonly object[]) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind: 'TrustMap',
  metadata: { name: 'workloads' },
  spec: {
    source: { spiffe: { trustDomains, types: ['x509-svid'] } },
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

/** One that has seen the holders prove that they have the keys. */
const gateway = authenticatedAs({
  id: 'edge',
  method: 'private_key_jwt',
  rights: { sources: ['**'], audiences: ['**'], scopes: ['**'], presentCertificates: true },
})

const judge = async (one: ChainCase, place: Place): Promise<Verdict> => {
  const before = place.outboundAttempts()
  const found = await subjectOf(one, place)
  if (place.outboundAttempts() !== before) return falseAccept(one.id, 'an outbound request was attempted')
  if ('refused' in found) return one.expected === 'reject' ? right(one.id) : falseReject(one.id, found.refused)
  if (one.expected === 'reject') return falseAccept(one.id, `accepted as ${found.subject}`)
  return one.spiffe_id === undefined || one.spiffe_id === found.subject
    ? right(one.id)
    : falseAccept(one.id, `accepted as ${found.subject}, not as ${one.spiffe_id}`)
}

const subjectOf = async ({ id, leaf, intermediates }: ChainCase, { desk }: Place) => {
  const credential = { type: tokenTypes.x509Chain, raw: secret([leaf, ...intermediates].join(',')) }
  const now = desk.ports.clock.now()
  const trace = newTrace(id, now, true)
  try {
    const presenter = { client: gateway }
    const verified = await verify(credential, presenter, desk.sources, verifiers, desk.mayPresent, now, desk, trace)
    return { subject: verified.credential.subject }
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown
    return { refused: thrown.message }
  }
}
