import fc from 'fast-check'
import { certificateTargets } from './certificate-targets.ts'
import { makeCorpus } from './corpus.ts'
import { headerTargets } from './header-targets.ts'
import { heavyTargets } from './heavy-targets.ts'
import { pathTargets } from './path-targets.ts'
import { samlTargets } from './saml-targets.ts'
import { spiffeTargets } from './spiffe-targets.ts'
import { type AnyTarget, isRefusal, judgeCase, textOfInput } from './target.ts'

/** How much is to be tried. */
export interface CampaignOptions {
  /** Undefined: as many as there is time for. */
  readonly cases: number | undefined
  readonly seconds: number
  readonly seed: number
  /** Cases of a batch for each point of a target's share; fewer make the turns shorter. */
  readonly batchFactor?: number
}

/** An input that a target did not stand. */
export interface Failure {
  readonly target: string
  readonly why: string
  /** As `textOfInput` writes it. */
  readonly input: string
  /** Of the batch, for fast-check. */
  readonly seed: number
}

export interface CampaignResult {
  readonly cases: number
  readonly seconds: number
  readonly byTarget: Readonly<Record<string, number>>
  readonly failures: readonly Failure[]
}

/** Everything that reads hostile input of certificates, workload identities and SAML. The keys are new every time. */
export const allTargets = (): readonly AnyTarget[] => {
  const corpus = makeCorpus()
  return [certificateTargets, pathTargets, heavyTargets, headerTargets, spiffeTargets, samlTargets].flatMap((make) =>
    make(corpus),
  )
}

/**
 * Tries all targets in turn, a batch each, until there were enough cases or the time is over. A target that has failed is
 * left out from then on, so that the others have their turn.
 *
 * @throws Error when a good input is refused
 */
export const runCampaign = async (
  targets: readonly AnyTarget[],
  { cases = Number.POSITIVE_INFINITY, seconds, seed, batchFactor = 10 }: CampaignOptions,
): Promise<CampaignResult> => {
  for (const target of targets) await assertGood(target)
  const startedAt = performance.now()
  const elapsed = () => (performance.now() - startedAt) / 1000
  const byTarget: Record<string, number> = {}
  const failures: Failure[] = []
  let [done, batch] = [0, 0]
  while (done < cases && elapsed() < seconds && failures.length < targets.length) {
    const target = targets[batch % targets.length]
    batch += 1
    if (target === undefined || failures.some((failure) => failure.target === target.name)) continue
    const { runs, failure } = await runBatch(
      target,
      Math.min(Math.ceil(batchFactor * target.share), cases - done),
      seed + batch,
    )
    done += runs
    byTarget[target.name] = (byTarget[target.name] ?? 0) + runs
    if (failure !== undefined) failures.push(failure)
  }
  return { cases: done, seconds: elapsed(), byTarget, failures }
}

const assertGood = async (target: AnyTarget): Promise<void> => {
  for (const input of target.good) {
    try {
      await target.judge(input)
    } catch (cause) {
      if (!isRefusal(cause)) throw cause
      throw new Error(`${target.name}: a good input is refused: ${String(cause)}`, { cause })
    }
  }
}

/** How long a failing input may be made smaller, in milliseconds. */
const shrinkingMs = 5_000

const runBatch = async (
  target: AnyTarget,
  numRuns: number,
  seed: number,
): Promise<{ readonly runs: number; readonly failure?: Failure }> => {
  const property = fc.asyncProperty(target.inputs, (input) => judgeCase(target, input))
  const details = await fc.check(property, { numRuns, seed, interruptAfterTimeLimit: shrinkingMs })
  if (!details.failed || details.counterexample === null) return { runs: details.numRuns }
  const [input] = details.counterexample
  const why =
    details.errorInstance instanceof Error ? (details.errorInstance.stack ?? '') : String(details.errorInstance)
  return { runs: details.numRuns, failure: { target: target.name, why, input: textOfInput(input), seed } }
}
