import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import * as z from 'zod'
import type { Claims } from '../../src/domain/claims.ts'
import { Refusal } from '../../src/domain/refusal.ts'
import { FormatError } from '../../src/formats/format-error.ts'
import { parseCompactJws } from '../../src/formats/jws.ts'
import { HeaderError, signatureHeader } from '../../src/formats/jws-header.ts'
import type { JwsAlgorithm } from '../../src/ports/signatures.ts'
import type { KeySet } from '../../src/sources/key-sets.ts'
import { checkSignature } from '../../src/sources/signature-check.ts'
import { openPlace, type Place, publicJwk } from '../world/place.ts'
import { testKeyring } from '../world/signing.ts'
import { falseAccept, falseReject, right, skipped, type Timed, timed, type Verdict } from './report.ts'

/** Project Wycheproof's json_web_signature and json_web_key vectors, as published. */

const jwk = z.record(z.string(), z.json())
const keys = z.union([z.looseObject({ keys: z.array(jwk) }), jwk])

const group = z.looseObject({
  public: keys.optional(),
  private: keys.optional(),
  tests: z.array(
    z.looseObject({
      tcId: z.number(),
      comment: z.string(),
      jws: z.unknown(),
      result: z.enum(['valid', 'invalid', 'acceptable']),
    }),
  ),
})

const wycheproofFile = z.looseObject({ schema: z.string(), testGroups: z.array(group) })

type Test = z.output<typeof group>['tests'][number]

/** Is this one of the two kinds of file that are understood? */
export const isWycheproof = (content: unknown): boolean => wycheproofFile.safeParse(content).success

/** Judges every test of `content`; labels listed in overrides.json beside the file are corrected first. */
export const runWycheproof = async (content: unknown, path: string): Promise<readonly Timed[]> => {
  const overrides = readOverrides(path)
  const place = await openPlace({
    issuer: 'https://dragoman.example.com',
    now: () => 1_780_315_200,
    documents: [],
    files: {},
    keyring: await testKeyring(),
  })
  const verdicts: Timed[] = []
  for (const { tests, ...held } of wycheproofFile.parse(content).testGroups) {
    const keySet = openKeys(held.public ?? held.private ?? {}, place)
    for (const test of tests)
      verdicts.push(await timed(undefined, () => judge(test, overrides.get(test.tcId), keySet, place)))
  }
  return verdicts
}

const openKeys = (held: Record<string, unknown>, place: Place): KeySet => {
  const list = Array.isArray(held['keys']) ? (held['keys'] as Claims[]) : [held as Claims]
  return place.desk.keySets.open({
    jwks: { keys: list.map(publicJwk) },
    algorithms: [...place.desk.ports.signatures.supported],
    staleFor: 60,
    allowHosts: [],
  })
}

const judge = async (test: Test, override: string | undefined, keySet: KeySet, place: Place): Promise<Verdict> => {
  const id = String(test.tcId)
  if (override?.startsWith('skip')) return skipped(id, override)
  const expected = override?.startsWith('expect invalid') ? 'invalid' : test.result
  const token = typeof test.jws === 'string' ? test.jws : JSON.stringify(test.jws)
  const found = await verdictOn(token, keySet, place)
  if (expected === 'acceptable') return right(id)
  if (found.accepted) return expected === 'valid' ? right(id) : falseAccept(id, test.comment)
  if (expected === 'invalid') return right(id)
  return isSymmetric(token) ? skipped(id, 'symmetric algorithms are refused by policy') : falseReject(id, found.why)
}

const verdictOn = async (token: string, keySet: KeySet, place: Place) => {
  const { signatures } = place.desk.ports
  try {
    const jws = parseCompactJws(token)
    const header = signatureHeader(jws.header, [...signatures.supported] satisfies JwsAlgorithm[])
    const verdict = await checkSignature(jws, header, keySet, signatures, place.desk.ports.clock.now())
    return verdict.holds ? { accepted: true as const } : { accepted: false as const, why: verdict.because }
  } catch (thrown) {
    if (thrown instanceof FormatError || thrown instanceof HeaderError || thrown instanceof Refusal)
      return { accepted: false as const, why: thrown.message }
    throw thrown
  }
}

const isSymmetric = (token: string): boolean => {
  try {
    return JSON.stringify(parseCompactJws(token).header['alg'] ?? '').startsWith('"HS')
  } catch {
    return false
  }
}

/** Corrections to labels by test number; ranges are written `10-18`. */
const readOverrides = (path: string): ReadonlyMap<number, string> => {
  const all = z
    .record(z.string(), z.unknown())
    .catch({})
    .parse(readJson(join(dirname(path), 'overrides.json')))
  const own = z.record(z.string(), z.string()).catch({}).parse(all[basename(path)])
  return new Map(
    Object.entries(own).flatMap(([key, what]) => {
      const [from = 0, to = from] = key.split('-').map(Number)
      return Array.from({ length: to - from + 1 }, (_, n) => [from + n, what] as const)
    }),
  )
}

const readJson = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return {}
  }
}
