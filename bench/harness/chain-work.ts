import * as z from 'zod'
import { answerer, answerQuestions } from './answer-questions.ts'
import { workFor } from './work-for.ts'

/** The work of the x509 scenarios: the chain of one client, judged again and again by a process of its own. */

/** What the process has seen before and may remember; the rest comes as new bytes every time. The root is always known. */
export const seenBefore = z.enum(['nothing', 'intermediate', 'chain'])

/** DER in base64. */
export const chainSetup = z.object({
  leaf: z.string(),
  intermediate: z.string(),
  root: z.string(),
  seen: seenBefore,
})

/** One chain and what is known of it. */
export interface Chain {
  readonly leaf: Uint8Array<ArrayBuffer>
  readonly intermediate: Uint8Array<ArrayBuffer>
  readonly root: Uint8Array<ArrayBuffer>
  readonly seen: z.infer<typeof seenBefore>
}

/** Judges the chain once, at once or as soon as it can. Throws when the chain is not found good. */
export type JudgeOnce = () => void | Promise<void>

const work = z.object({ seconds: z.number() })

/** Answers `prepare` with nothing and `work` with how many chains were judged. */
export const answerWithChains = (prepare: (chain: Chain) => JudgeOnce | Promise<JudgeOnce>): void => {
  let once: JudgeOnce = () => {
    throw new Error('there is no chain yet')
  }
  answerQuestions({
    prepare: answerer(chainSetup, async ({ leaf, intermediate, root, seen }) => {
      once = await prepare({ leaf: bytesOf(leaf), intermediate: bytesOf(intermediate), root: bytesOf(root), seen })
    }),
    work: answerer(work, ({ seconds }) => workFor(once, seconds)),
  })
}

/** A plain array of bytes of its own, as a copy of it is. */
const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(base64, 'base64'))
