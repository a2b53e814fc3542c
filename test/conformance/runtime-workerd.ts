import * as z from 'zod'
import { createNodeCertificateSignatures } from '../../src/runtimes/node/certificate-signatures.ts'
import { answerTo, type ChainAnswer, type ChainQuestion } from '../workerd/chain-question.ts'
import { bundleWorker, startWorkerd, type Workerd } from '../workerd/workerd.ts'
import { falseAccept, falseReject, right, type Timed, timed, type Verdict } from './report.ts'
import { chainsFile, runX509Chains } from './x509-chains.ts'
import { chainFile, runX509SvidChains } from './x509svid-chain.ts'

/**
 * `--runtime workerd`: every case of a file of chains is judged by the code of src/formats in the real workerd, with its
 * own cryptography, and the answer has to be the one that Node gives: the verdict of the runner for Node, and the fault
 * and the path of the same code under Node's cryptography.
 */

/** One case, whatever the format of its file. */
interface ChainCase {
  readonly id: string
  readonly expected: 'accept' | 'reject'
  readonly spiffeId?: string | undefined
  readonly limitMs: number | undefined
  readonly question: ChainQuestion
}

/** What a run in another runtime showed. */
export interface RuntimeRun {
  readonly verdicts: readonly Timed[]
  /** How many cases were answered exactly as on Node. */
  readonly equalToNode: number
}

interface Format {
  readonly casesOf: (content: unknown) => readonly ChainCase[]
  readonly onNode: (content: unknown) => Promise<readonly Timed[]>
}

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

const formats: Readonly<Record<string, Format>> = {
  'dragoman-x509-chains/1': { casesOf: pathCases, onNode: runX509Chains },
  'dragoman-x509svid-chain/1': { casesOf: svidCases, onNode: runX509SvidChains },
}

/** Judges the file `content` in workerd. @throws Error when the format is not one of chains, or workerd does not run. */
export const runInWorkerd = async (format: string, content: unknown): Promise<RuntimeRun> => {
  const known = formats[format]
  if (known === undefined) throw new Error(`the format ${format} is not judged in workerd`)
  const onNode = new Map((await known.onNode(content)).map((verdict) => [verdict.id, verdict]))
  const bundle = await bundleWorker(new URL('../workerd/chain-worker.ts', import.meta.url))
  const workerd = await startWorkerd(bundle)
  const { size, gzipped } = bundle
  process.stderr.write(`workerd ${workerd.version}: a bundle of ${size} octets, ${gzipped} gzipped\n`)
  try {
    return await compareAll(known.casesOf(content), onNode, workerd)
  } finally {
    await workerd.stop()
  }
}

const compareAll = async (
  cases: readonly ChainCase[],
  onNode: ReadonlyMap<string, Timed>,
  workerd: Workerd,
): Promise<RuntimeRun> => {
  const verdicts: Timed[] = []
  let equalToNode = 0
  for (const one of cases) {
    const verdict = await timed(one.limitMs, async () => {
      const answer = await askedOf(workerd, one.question)
      const known = onNode.get(one.id)
      const difference = await differenceFromNode(one, answer, known)
      if (difference === undefined) equalToNode += 1
      return verdictOn(one, answer, difference, known)
    })
    verdicts.push(verdict)
  }
  return { verdicts, equalToNode }
}

/** Where workerd answers as Node does, the verdict is Node's. */
const verdictOn = (
  one: ChainCase,
  answer: ChainAnswer,
  difference: string | undefined,
  known: Verdict | undefined,
): Verdict => {
  const wrong = difference ?? (agrees(one, answer) ? undefined : `answered ${JSON.stringify(answer)}`)
  if (difference === undefined && known !== undefined) return known
  if (wrong === undefined) return right(one.id)
  return answer.accepted ? falseAccept(one.id, wrong) : falseReject(one.id, wrong)
}

const agrees = ({ expected, spiffeId }: ChainCase, answer: ChainAnswer): boolean =>
  answer.accepted === (expected === 'accept') &&
  (!answer.accepted || spiffeId === undefined || answer.spiffeId === spiffeId)

const signatures = createNodeCertificateSignatures()

const differenceFromNode = async (
  one: ChainCase,
  answer: ChainAnswer,
  verdict: Timed | undefined,
): Promise<string | undefined> => {
  const here = await answerTo(one.question, signatures)
  if (JSON.stringify(here) !== JSON.stringify(answer))
    return `workerd answers ${JSON.stringify(answer)}, Node ${JSON.stringify(here)}`
  if (verdict?.kind === 'skipped') return undefined
  const accepted = verdict?.kind === 'falseAccept' || (verdict?.kind === 'right' && one.expected === 'accept')
  return accepted === answer.accepted ? undefined : `the runner for Node says ${verdict?.kind ?? 'nothing'}`
}

const answered: z.ZodType<ChainAnswer> = z.union([
  z.strictObject({ accepted: z.literal(true), path: z.array(z.string()), spiffeId: z.string().exactOptional() }),
  z.strictObject({ accepted: z.literal(false), fault: z.string() }),
])

const askedOf = async (workerd: Workerd, question: ChainQuestion): Promise<ChainAnswer> => {
  const response = await fetch(workerd.origin, { method: 'POST', body: JSON.stringify(question) })
  if (response.status !== 200) throw new Error(`workerd answered ${response.status}: ${await response.text()}`)
  return answered.parse(await response.json())
}
