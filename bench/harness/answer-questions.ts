import * as z from 'zod'

const message = z.object({ question: z.string(), input: z.unknown() })

/** One question: the shape of its input, and the answer to it. */
export interface Answerer {
  answer(input: unknown): unknown
}

export const answerer = <Input>(shape: z.ZodType<Input>, answer: (input: Input) => unknown): Answerer => ({
  answer: (input) => answer(shape.parse(input)),
})

/**
 * The child's half of `Child.ask`: answers what its parent asks, one question at a time, and ends when the parent has
 * gone. A question that fails ends the process, and the parent shows what it complained of.
 */
export const answerQuestions = (answerers: Readonly<Record<string, Answerer>>): void => {
  process.on('message', (received) => {
    void reply(answerers, received)
  })
  process.once('disconnect', () => process.exit(0))
}

const reply = async (answerers: Readonly<Record<string, Answerer>>, received: unknown): Promise<void> => {
  try {
    const { question, input } = message.parse(received)
    const known = answerers[question]
    if (known === undefined) throw new Error(`nobody here can answer '${question}'`)
    process.send?.((await known.answer(input)) ?? {})
  } catch (error) {
    process.stderr.write(`${String(error)}\n`)
    process.exit(1)
  }
}
