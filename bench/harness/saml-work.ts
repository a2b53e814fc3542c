import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { answerer, answerQuestions } from './answer-questions.ts'
import { assertionPool, subjectOf } from './saml-assertions.ts'
import { workFor } from './work-for.ts'

/** The work of the SAML scenarios: assertions of one provider, verified by a process of its own. */

const setup = assertionPool.extend({
  /** Where the process may put files. */
  folder: z.string(),
  /** The first assertion again and again, in place of each once. */
  repeat: z.boolean(),
})
export type SamlSetup = z.infer<typeof setup>

/** Verifies the nth assertion, and gives its subject. Throws when it does not hold. */
export type VerifyNth = (n: number) => string | Promise<string>

/** Makes ready for the next slice, in which nothing may be known of the assertions of the last one. */
export type BeginSlice = () => VerifyNth

const work = z.object({ seconds: z.number() })

/** Answers `prepare` with nothing and `work` with how many assertions were verified, each with the right subject. */
export const answerWithAssertions = (
  prepare: (assertions: readonly string[], setup: SamlSetup) => BeginSlice | Promise<BeginSlice>,
): void => {
  let prepared: { readonly begin: BeginSlice; readonly count: number; readonly repeat: boolean } | undefined
  answerQuestions({
    prepare: answerer(setup, async (given) => {
      const assertions = readFileSync(given.file, 'latin1').split('\n')
      prepared = { begin: await prepare(assertions, given), count: assertions.length, repeat: given.repeat }
    }),
    work: answerer(work, ({ seconds }) => {
      if (prepared === undefined) throw new Error('there are no assertions yet')
      const { begin, count, repeat } = prepared
      const verifyNth = begin()
      return workFor(
        (index) => expected(repeat ? 0 : index, verifyNth),
        seconds,
        repeat ? Number.POSITIVE_INFINITY : count,
      )
    }),
  })
}

const expected = (n: number, verifyNth: VerifyNth): void | Promise<void> => {
  const subject = verifyNth(n)
  return typeof subject === 'string' ? assertSubject(n, subject) : subject.then((found) => assertSubject(n, found))
}

const assertSubject = (n: number, subject: string): void => {
  if (subject !== subjectOf(n)) throw new Error(`assertion ${n} is taken to be about ${subject}`)
}
