import * as z from 'zod'
import { FormatError } from '../../src/formats/format-error.ts'
import { type Certificate, parseCertificate } from '../../src/formats/x509/certificate.ts'
import { type Crl, parseCrl } from '../../src/formats/x509/crl.ts'
import { PathError, type PathRequest, validatePath } from '../../src/formats/x509/path.ts'
import { createNodeCertificateSignatures } from '../../src/runtimes/node/certificate-signatures.ts'
import { falseAccept, falseReject, right, skipped, type Timed, timed, type Verdict } from './report.ts'

/** dragoman-x509-chains/1: a leaf and intermediates under the anchors, CRLs, clock and purpose of each case. */

const chainCase = z.looseObject({
  id: z.string(),
  expected: z.enum(['SUCCESS', 'FAILURE']),
  tier: z.string().optional(),
  trusted: z.array(z.string()),
  intermediates: z.array(z.string()).default([]),
  leaf: z.string(),
  crls: z.array(z.string()).nullish(),
  time: z.string().nullish(),
  required_eku: z.enum(['clientAuth', 'serverAuth']).nullish(),
  max_intermediates: z.number().nullish(),
  time_limit_ms: z.number().nullish(),
})

export const chainsFile = z.looseObject({
  certs: z.record(z.string(), z.string()),
  cases: z.array(chainCase),
})

type ChainCase = z.output<typeof chainCase>

/** The DER of each certificate and CRL, by its id. */
type Pool = Readonly<Record<string, string>>

/** A case that sets no limit of its own must not hang all the same. */
const defaultLimitMs = 10_000

const signatures = createNodeCertificateSignatures()

/** Judges every case of the file `content`. */
export const runX509Chains = async (content: unknown): Promise<readonly Timed[]> => {
  const file = chainsFile.parse(content)
  const verdicts: Timed[] = []
  for (const one of file.cases)
    verdicts.push(await timed(one.time_limit_ms ?? defaultLimitMs, () => judge(one, file.certs)))
  return verdicts
}

const judge = async (one: ChainCase, pool: Pool): Promise<Verdict> => {
  const refusal = await refusalOf(one, pool)
  if ((refusal === undefined) === (one.expected === 'SUCCESS')) return right(one.id)
  const answer = refusal ?? 'accepted'
  if (one.tier !== undefined && advisory.includes(one.tier))
    return skipped(one.id, `tier ${one.tier}, expected ${one.expected}, here ${answer}; docs/x509.md says why`)
  return refusal === undefined ? falseAccept(one.id, answer) : falseReject(one.id, answer)
}

/** What a validator may decide either way, and what only describes others: a deviation is a choice, and has a reason. */
const advisory: readonly string[] = ['should', 'info']

const refusalOf = async (one: ChainCase, pool: Pool): Promise<string | undefined> => {
  try {
    await validatePath(requestOf(one, pool), signatures)
    return undefined
  } catch (thrown) {
    if (thrown instanceof PathError) return `${thrown.fault}: ${thrown.message}`
    if (thrown instanceof FormatError) return `malformed: ${thrown.message}`
    throw thrown
  }
}

/** A leaf that cannot be read is refused; other certificates and lists that cannot be read are not there. */
const requestOf = (one: ChainCase, pool: Pool): PathRequest => ({
  leaf: parseCertificate(bytesOf(one.leaf, pool)),
  intermediates: readable(one.intermediates, pool, parseCertificate),
  anchors: readable(one.trusted, pool, parseCertificate),
  at: one.time == null ? Date.now() / 1000 : Date.parse(one.time) / 1000,
  ...(one.required_eku == null ? {} : { extendedKeyUsage: one.required_eku }),
  ...(one.max_intermediates == null ? {} : { maxIntermediates: one.max_intermediates }),
  ...(one.crls == null || one.crls.length === 0 ? {} : { crls: readable(one.crls, pool, parseCrl) }),
})

const bytesOf = (id: string, pool: Pool): Uint8Array => {
  const text = pool[id]
  if (text === undefined) throw new Error(`the file has no certificate ${id}`)
  return Buffer.from(text, 'base64')
}

const readable = <T extends Certificate | Crl>(
  ids: readonly string[],
  pool: Pool,
  parse: (der: Uint8Array) => T,
): readonly T[] =>
  ids.flatMap((id) => {
    try {
      return [parse(bytesOf(id, pool))]
    } catch (thrown) {
      if (thrown instanceof FormatError) return []
      throw thrown
    }
  })
