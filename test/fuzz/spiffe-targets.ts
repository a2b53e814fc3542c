import fc from 'fast-check'
import type { Claims } from '../../src/domain/claims.ts'
import { parseSpiffeId } from '../../src/domain/spiffe-id.ts'
import { asObject, parseJson } from '../../src/formats/json.ts'
import { jwtSvidAlgorithms, jwtSvidHeader } from '../../src/formats/jwt-svid.ts'
import { parseSpiffeBundle } from '../../src/formats/spiffe-bundle.ts'
import { pemOf } from '../world/certificates.ts'
import { changedTextOf } from './certificate-targets.ts'
import type { Corpus } from './corpus.ts'
import type { Target } from './target.ts'

/** SPIFFE IDs, bundles and the headers of JWT-SVIDs. */

const ids = ['spiffe://prod.example.org/ns/a/sa/b', 'spiffe://a', `spiffe://${'a'.repeat(255)}/${'b'.repeat(1_000)}`]
const headers = ['{"alg":"ES256","kid":"a","typ":"JWT"}', '{"alg":"RS256"}', '{"typ":"JOSE","alg":"PS512","kid":"b"}']

const letters = new Set('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/')

/** Again and without regular expressions: what is taken for an ID consists of nothing but its parts, in these letters. */
const assertId = (text: string): void => {
  const id = parseSpiffeId(text)
  if (id === undefined) return
  const segments = id.path.split('/').slice(1)
  const sound =
    `spiffe://${id.trustDomain}${id.path}` === text &&
    id.trustDomain !== '' &&
    id.trustDomain === id.trustDomain.toLowerCase() &&
    !id.trustDomain.includes('/') &&
    Array.from(id.trustDomain + id.path).every((letter) => letters.has(letter)) &&
    segments.every((segment) => !['', '.', '..'].includes(segment))
  if (!sound) throw new Error('taken for a SPIFFE ID')
}

const readHeader = (text: string): unknown =>
  jwtSvidHeader((asObject(parseJson(text)) ?? {}) satisfies Claims, jwtSvidAlgorithms)

const bundlesOf = ({ root, intermediate }: Corpus): readonly string[] => {
  const authority = (der: Uint8Array) => ({
    kty: 'EC',
    use: 'x509-svid',
    crv: 'P-256',
    x5c: [Buffer.from(der).toString('base64')],
  })
  const jwtKey = { kty: 'EC', use: 'jwt-svid', kid: 'a', crv: 'P-256', x: 'AA', y: 'AA' }
  return [
    JSON.stringify({ keys: [authority(root.der), jwtKey], spiffe_sequence: 7, spiffe_refresh_hint: 300 }),
    JSON.stringify({ keys: [jwtKey, authority(intermediate.der), authority(root.der)] }),
    pemOf(root.der) + pemOf(intermediate.der),
  ]
}

/** Members as a reader may find them: the right one, another one, or any JSON. */
const member = (...usual: readonly unknown[]) => fc.oneof(fc.constantFrom(...usual), fc.jsonValue({ maxDepth: 2 }))

const anyHeader = fc
  .record(
    {
      alg: member('ES256', 'RS256', 'PS384', 'EdDSA', 'none', 'HS256'),
      kid: member('a', ''),
      typ: member('JWT', 'JOSE', 'jwt', 'wit+jwt'),
      crit: member(['b64']),
    },
    { requiredKeys: ['alg'] },
  )
  .map((header) => JSON.stringify(header))

const anyBundle = (x5c: readonly string[]): fc.Arbitrary<string> => {
  const key = fc.record(
    {
      use: member('x509-svid', 'jwt-svid', 'sig'),
      kty: member('EC', 'RSA', 'OKP'),
      kid: member('a', ''),
      x5c: member(x5c, x5c.toReversed(), []),
      d: member('a'),
    },
    { requiredKeys: ['use', 'kty'] },
  )
  return fc
    .record(
      { keys: fc.array(key, { maxLength: 4 }), spiffe_sequence: member(7, -1), spiffe_refresh_hint: member(300, 0.5) },
      { requiredKeys: ['keys'] },
    )
    .map((bundle) => JSON.stringify(bundle))
}

/** Reads texts: the good ones changed, more of the same kind, or nothing of the kind. */
const textTarget = (
  target: Pick<Target<string>, 'name' | 'share' | 'good' | 'judge'>,
  alike: fc.Arbitrary<string> = changedTextOf(target.good),
): Target<string> => ({
  ...target,
  inputs: fc.oneof(
    { arbitrary: changedTextOf(target.good), weight: 5 },
    { arbitrary: alike, weight: 4 },
    { arbitrary: fc.string({ unit: 'binary', maxLength: 100 }), weight: 1 },
  ),
})

export const spiffeTargets = (corpus: Corpus): readonly Target<unknown>[] => {
  const base64 = [corpus.root, corpus.intermediate].map(({ der }) => Buffer.from(der).toString('base64'))
  const targets: readonly Target<string>[] = [
    textTarget({ name: 'spiffe id', share: 8, good: ids, judge: assertId }),
    textTarget({ name: 'bundle', share: 8, good: bundlesOf(corpus), judge: parseSpiffeBundle }, anyBundle(base64)),
    textTarget({ name: 'jwt-svid header', share: 8, good: headers, judge: readHeader }, anyHeader),
  ]
  return targets.map((target): Target<unknown> => target)
}
