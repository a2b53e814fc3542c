import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { allTargets, type CampaignResult, type Failure, runCampaign } from './campaign.ts'
import { inputOfText, judgeCase } from './target.ts'

/**
 * npm run fuzz -- [--cases N] [--seconds N] [--seed N] [--target NAME] [--replay FILE]
 *
 * Feeds changed and random bytes to everything that reads certificates, workload identities and SAML. Each case ends in
 * a value or a refusal within 50 ms. Stops after N cases, or when the time is over. Exit status: 1 when a case failed (its
 * input is saved, for --replay) or when fewer cases ran than were asked for, 2 when it could not run.
 */

const usage = 'usage: npm run fuzz -- [--cases N] [--seconds N] [--seed N] [--target NAME] [--replay FILE]\n'
const folder = fileURLToPath(new URL('../../.cache/fuzz/', import.meta.url))

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const main = async (args: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: 'string' },
      seconds: { type: 'string', default: '120' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      target: { type: 'string' },
      replay: { type: 'string' },
    },
  })
  if (values.replay !== undefined) return replay(values.replay)
  const cases = values.cases === undefined ? undefined : wholeNumber(values.cases)
  const seed = wholeNumber(values.seed)
  const targets = allTargets().filter(({ name }) => values.target === undefined || name === values.target)
  if (targets.length === 0) throw new Error(`no target ${values.target}\n${usage}`)
  const result = await runCampaign(targets, { cases, seconds: wholeNumber(values.seconds), seed })
  report(result, seed)
  if (cases !== undefined && result.cases < cases) say(`too few: ${cases} cases were asked for`)
  return result.failures.length > 0 || result.cases < (cases ?? 0) ? 1 : 0
}

const wholeNumber = (text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(usage)
  return value
}

const report = ({ cases, seconds, byTarget, failures }: CampaignResult, seed: number): void => {
  for (const failure of failures) complain(failure)
  say(
    Object.entries(byTarget)
      .map(([name, count]) => `${name} ${count}`)
      .join(', '),
  )
  const rate = Math.round(cases / seconds)
  say(`${cases} cases in ${seconds.toFixed(1)} s, ${rate} a second, seed ${seed}: ${failures.length} failures`)
}

const complain = (failure: Failure): void => {
  mkdirSync(folder, { recursive: true })
  const file = `${folder}${failure.target.replaceAll(' ', '-')}-${failure.seed}.json`
  writeFileSync(file, JSON.stringify(failure))
  say(`FAILED ${failure.target}, seed ${failure.seed}: ${failure.why}`)
  say(`  the input is in ${file}: ${failure.input.slice(0, 200)}`)
}

/** Judges a saved input again. What is no good any more under new keys is refused, which shows nothing. */
const replay = async (file: string): Promise<number> => {
  const { target: name, input } = JSON.parse(readFileSync(file, 'utf8')) as Failure
  const target = allTargets().find((each) => each.name === name)
  if (target === undefined) throw new Error(`no target ${name}`)
  await judgeCase(target, inputOfText(input))
  say('it ends in a value or a refusal, in time')
  return 0
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 2
}
