import * as z from 'zod'
import { createNodeCertificateSignatures } from '../../src/runtimes/node/certificate-signatures.ts'
import { answerTo, type ChainAnswer, type ChainQuestion } from '../runtimes/chain-question.ts'
import type { Posed } from './posed.ts'
import { falseAccept, falseReject, right, type Verdict } from './report.ts'
import { chainsFile, runX509Chains } from './x509-chains.ts'
import { chainFile, runX509SvidChains } from './x509svid-chain.ts'

/** The cases of chain files as questions. Node's answer is held against the verdict of the file's own runner, too. */

interface ChainCase {
  readonly id: string
  readonly expected: 'accept' | 'reject'
  readonly spiffeId?: string | undefined
  readonly limitMs: number | undefined
  readonly question: ChainQuestion
}

/** The cases of a dragoman-x509-chains/1 file. */
export const posedPaths = async (content: unknown): Promise<readonly Posed[]> =>
  posed(pathCases(content), await runX509Chains(content))

/** The cases of a dragoman-x509svid-chain/1 file. */
export const posedSvids = async (content: unknown): Promise<readonly Posed[]> =>
  posed(svidCases(content), await runX509SvidChains(content))

const pathCases = (content: unknown): readonly ChainCase[] => {
  const { certs, cases } = chainsFile.parse(content)
  const found = (ids: readonly string[]) => ids.map((id) => canonical(certs[id] ?? ''))
  return cases.map((one) => ({
    id: one.id,
    expected: one.expected === 'SUCCESS' ? 'accept' : 'reject',
    limitMs: one.time_limit_ms ?? undefined,
    question: {
      kind: 'path',
      leaf: canonical(certs[one.leaf] ?? ''),
      intermediates: found(one.intermediates),
      anchors: found(one.trusted),
      at: one.time == null ? Date.now() / 1000 : Date.parse(one.time) / 1000,
      ...(one.required_eku == null ? {} : { extendedKeyUsage: one.required_eku }),
      ...(one.max_intermediates == null ? {} : { maxIntermediates: one.max_intermediates }),
      ...(one.crls == null || one.crls.length === 0 ? {} : { crls: found(one.crls) }),
    },
  }))
}

const svidCases = (content: unknown): readonly ChainCase[] => {
  const { now, bundles, cases } = chainFile.parse(content)
  const at = Date.parse(now) / 1000
  return cases.map(({ id, expected, spiffe_id, leaf, intermediates, time_limit_ms }) => ({
    id,
    expected,
    spiffeId: spiffe_id,
    limitMs: time_limit_ms,
    question: { kind: 'svid', leaf, intermediates, bundles, at },
  }))
}

/** Vectors may be wrapped; what travels is base64 in its one form. */
const canonical = (base64: string): string => Buffer.from(base64, 'base64').toString('base64')

const signatures = createNodeCertificateSignatures()

const posed = (cases: readonly ChainCase[], verdicts: readonly Verdict[]): readonly Posed[] => {
  const onNode = new Map(verdicts.map((verdict) => [verdict.id, verdict]))
  return cases.map((one) => ({
    id: one.id,
    limitMs: one.limitMs,
    question: one.question,
    here: async () => agreeing(one, await answerTo(one.question, signatures), onNode.get(one.id)),
    judge: (answer) => judge(one, answered.parse(answer), onNode.get(one.id)),
  }))
}

/** Node's answer, which its runner must have come to as well. */
const agreeing = (one: ChainCase, answer: ChainAnswer, verdict: Verdict | undefined): ChainAnswer => {
  const accepted = verdict?.kind === 'falseAccept' || (verdict?.kind === 'right' && one.expected === 'accept')
  if (verdict?.kind !== 'skipped' && accepted !== answer.accepted)
    throw new Error(`${one.id}: the runner for Node says ${verdict?.kind ?? 'nothing'}, not ${JSON.stringify(answer)}`)
  return answer
}

const answered: z.ZodType<ChainAnswer> = z.union([
  z.strictObject({ accepted: z.literal(true), path: z.array(z.string()), spiffeId: z.string().exactOptional() }),
  z.strictObject({ accepted: z.literal(false), fault: z.string() }),
])

/** What only describes others is skipped here as there. */
const judge = ({ id, expected, spiffeId }: ChainCase, answer: ChainAnswer, onNode: Verdict | undefined): Verdict => {
  if (onNode?.kind === 'skipped') return onNode
  const said = `answered ${JSON.stringify(answer)}`
  if (!answer.accepted) return expected === 'reject' ? right(id) : falseReject(id, said)
  const isExpected = expected === 'accept' && (spiffeId === undefined || answer.spiffeId === spiffeId)
  return isExpected ? right(id) : falseAccept(id, said)
}
