import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bundle, bundleWorker } from '../runtimes/bundle.ts'
import { programOf, runtimeNames } from '../runtimes/programs.ts'
import { type Running, startRuntime } from '../runtimes/runtime.ts'
import { createSamlAnswerer, type SamlAnswer } from '../runtimes/saml-question.ts'
import { type SamlSample, samlSamples } from '../runtimes/saml-samples.ts'
import { nodePlatform } from '../world/place.ts'

/** One dragoman on four runtimes: what Node answers to an assertion, the others answer too, to the letter. */

const samples = await samlSamples()
const onNode = new Map<SamlSample, SamlAnswer>()
let bundle: Bundle

beforeAll(async () => {
  bundle = await bundleWorker(new URL('../runtimes/saml-worker.ts', import.meta.url))
  const { answerTo } = await createSamlAnswerer(nodePlatform())
  for (const sample of samples) onNode.set(sample, await answerTo(sample.question))
})

describe('node', () => {
  it.each(samples)('judges $what', (sample) => {
    const answer = onNode.get(sample)
    expect(answer).toMatchObject({ accepted: sample.accepted, outbound: 0 })
    if (answer?.endpoint !== undefined) expect(answer.endpoint.status).toBe(sample.accepted ? 200 : 400)
  })
})

describe.each(runtimeNames)('%s', (name) => {
  let running: Running | undefined
  beforeAll(async () => {
    running = await startRuntime(programOf(name), bundle)
  })
  afterAll(() => running?.stop())

  it.each(samples)('judges $what as Node does', async (sample) => {
    const response = await fetch(running?.origin ?? '', { method: 'POST', body: JSON.stringify(sample.question) })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(onNode.get(sample))))
  })
})
