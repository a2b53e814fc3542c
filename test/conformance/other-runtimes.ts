import * as z from 'zod'
import { bundleWorker } from '../runtimes/bundle.ts'
import { programOf, type RuntimeName, versionOf } from '../runtimes/programs.ts'
import { type Running, startRuntime } from '../runtimes/runtime.ts'
import { judged, type Posed, type Unposed } from './posed.ts'
import { posedPaths, posedSvids } from './posed-chains.ts'
import { falseAccept, falseReject, type Timed, type Verdict } from './report.ts'
import { posedAssertions } from './saml-cases.ts'

/**
 * `--runtime NAME`: every case of a file is judged by the same code in another runtime, with that platform's own
 * cryptography, and the answer has to be the one that Node gives, to the letter.
 */

/** What a run in another runtime showed. */
export interface RuntimeRun {
  readonly verdicts: readonly Timed[]
  /** How many cases were answered exactly as on Node. */
  readonly equalToNode: number
}

interface Format {
  /** The file in test/runtimes that answers. */
  readonly worker: string
  readonly pose: (content: unknown) => Promise<readonly (Posed | Unposed)[]>
}

const formats: Readonly<Record<string, Format>> = {
  'dragoman-x509-chains/1': { worker: 'chain-worker.ts', pose: posedPaths },
  'dragoman-x509svid-chain/1': { worker: 'chain-worker.ts', pose: posedSvids },
  'dragoman-saml-cases/1': { worker: 'saml-worker.ts', pose: posedAssertions },
}

/** Judges the file `content` there. @throws Error when it is of another format, or the runtime does not run */
export const runElsewhere = async (name: RuntimeName, format: string, content: unknown): Promise<RuntimeRun> => {
  const known = formats[format]
  if (known === undefined) throw new Error(`the format ${format} is judged on Node alone`)
  const bundle = await bundleWorker(new URL(`../runtimes/${known.worker}`, import.meta.url))
  const running = await startRuntime(programOf(name), bundle)
  process.stderr.write(`${name} ${versionOf(name)}: a bundle of ${bundle.size} octets, ${bundle.gzipped} gzipped\n`)
  try {
    return await compareAll(await known.pose(content), name, running)
  } finally {
    await running.stop()
  }
}

const compareAll = async (cases: readonly (Posed | Unposed)[], name: string, running: Running): Promise<RuntimeRun> => {
  const verdicts: Timed[] = []
  let differences = 0
  for (const one of cases) {
    const here = 'here' in one ? JSON.stringify(await one.here()) : undefined
    verdicts.push(
      await judged(one, async (posed) => {
        const answer = await askedOf(running, posed.question)
        if (JSON.stringify(answer) === here) return posed.judge(answer)
        differences += 1
        return differing(posed, answer, here, name)
      }),
    )
  }
  return { verdicts, equalToNode: cases.length - differences }
}

const differing = ({ id }: Posed, answer: Answer, here: string | undefined, name: string): Verdict => {
  const why = `${name} answers ${JSON.stringify(answer)}, Node ${here}`
  return answer.accepted ? falseAccept(id, why) : falseReject(id, why)
}

const answered = z.looseObject({ accepted: z.boolean() })
type Answer = z.output<typeof answered>

const askedOf = async ({ origin }: Running, question: unknown): Promise<Answer> => {
  const response = await fetch(origin, { method: 'POST', body: JSON.stringify(question) })
  if (response.status !== 200) throw new Error(`answered ${response.status}: ${await response.text()}`)
  return answered.parse(await response.json())
}
