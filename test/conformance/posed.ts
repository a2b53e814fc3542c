import { skipped, type Timed, timed, type Verdict } from './report.ts'

/** A case as a question that can be put to any runtime, since question and answer are JSON. */
export interface Posed {
  readonly id: string
  readonly limitMs: number | undefined
  readonly question: unknown
  /** What the same code answers here, on Node. */
  readonly here: () => Promise<unknown>
  /** What an answer is worth. Throws when it is none. */
  readonly judge: (answer: unknown) => Verdict
}

/** A case that is no question, and why. */
export interface Unposed {
  readonly id: string
  readonly why: string
}

/** The verdict on one case, where `verdictOn` asks the question; what is none is skipped. */
export const judged = async (one: Posed | Unposed, verdictOn: (posed: Posed) => Promise<Verdict>): Promise<Timed> =>
  'why' in one ? { ...skipped(one.id, one.why), slow: false } : timed(one.limitMs, () => verdictOn(one))
