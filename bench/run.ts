import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { type Cores, pickCores, stepAside } from './harness/cores.ts'
import { recordExpected, type Shortfall, shortfalls } from './harness/expected.ts'
import { interleave } from './harness/interleave.ts'
import { type Options, readOptions } from './harness/options.ts'
import { type Row, resultOf, type ScenarioResult } from './harness/result.ts'
import { table } from './harness/table.ts'
import { withWorld } from './harness/world.ts'
import { authzCold } from './scenarios/authz-cold.ts'
import { authzWarm } from './scenarios/authz-warm.ts'
import { egressWarm } from './scenarios/egress-warm.ts'
import { exchangeCold } from './scenarios/exchange-cold.ts'
import { exchangeOverload } from './scenarios/exchange-overload.ts'
import { exchangePrivateKeyJwt } from './scenarios/exchange-private-key-jwt.ts'
import { exchangeRepeat } from './scenarios/exchange-repeat.ts'
import { missStorm } from './scenarios/miss-storm.ts'
import { saml } from './scenarios/saml.ts'
import { samlRepeat } from './scenarios/saml-repeat.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { start } from './scenarios/start.ts'
import { x509Chain } from './scenarios/x509-chain.ts'
import { x509Leaf } from './scenarios/x509-leaf.ts'
import { x509Repeat } from './scenarios/x509-repeat.ts'

/** `npm run bench`: every figure is held against a reference measured in the same rounds. See README.md. */

const scenarios: readonly Scenario[] = [
  exchangeCold,
  exchangeRepeat,
  exchangePrivateKeyJwt,
  exchangeOverload,
  authzWarm,
  authzCold,
  egressWarm,
  missStorm,
  start,
  x509Chain,
  x509Leaf,
  x509Repeat,
  saml,
  samlRepeat,
]

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const main = async (options: Options): Promise<number> => {
  if (process.platform !== 'linux') throw new Error('the bench reads CPU times from /proc: it needs Linux')
  const cores = pickCores()
  if (cores !== undefined) stepAside(cores)
  say(machine(cores))
  const results: ScenarioResult[] = []
  for (const scenario of chosen(options)) {
    process.stderr.write(`${scenario.name} …\n`)
    results.push(await measure(scenario, options, cores))
  }
  const rows = results.flatMap((result) => result.rows)
  writeFileSync(
    new URL('./results.json', import.meta.url),
    `${JSON.stringify(report(options, cores, results), undefined, 2)}\n`,
  )
  say(`\n${table(rows)}\n`)
  for (const { scenario, doubts } of results) for (const doubt of doubts) say(`noisy  ${scenario}  ${doubt}`)
  if (options.record) recordExpected(rows, options.pace)
  const slower = options.check ? await confirmedShortfalls(rows, options, cores) : []
  for (const { scenario, reference, ratio, wanted } of slower)
    say(`slower  ${scenario}: ${reference} / dragoman is ${ratio.toFixed(2)}, ${wanted.toFixed(2)} was expected`)
  return slower.length === 0 ? 0 : 1
}

/** What falls short is measured a second time: a slower program falls short again, a noisy minute passes. */
const confirmedShortfalls = async (
  rows: readonly Row[],
  options: Options,
  cores: Cores | undefined,
): Promise<readonly Shortfall[]> => {
  const first = shortfalls(rows, options.pace)
  const again: Row[] = []
  for (const scenario of scenarios.filter(({ name }) => first.some((each) => each.scenario === name))) {
    process.stderr.write(`${scenario.name}, once more …\n`)
    again.push(...(await measure(scenario, options, cores)).rows)
  }
  return shortfalls(again, options.pace).filter((second) =>
    first.some(({ scenario, reference }) => scenario === second.scenario && reference === second.reference),
  )
}

const chosen = ({ scenarios: names }: Options): readonly Scenario[] => {
  const unknown = names.filter((name) => !scenarios.some((scenario) => scenario.name === name))
  if (unknown.length > 0)
    throw new Error(`unknown: ${unknown.join(', ')}; known: ${scenarios.map(({ name }) => name).join(', ')}`)
  return names.length === 0 ? scenarios : scenarios.filter(({ name }) => names.includes(name))
}

const measure = (scenario: Scenario, options: Options, cores: Cores | undefined): Promise<ScenarioResult> =>
  withWorld(options, cores, async (world) =>
    resultOf(scenario, await interleave(await scenario.contenders(world), options)),
  )

const machine = (cores: Cores | undefined): string => {
  const pinned = cores === undefined ? 'not pinned' : `server on core ${cores.server}, load on core ${cores.load}`
  return `node ${process.versions.node}, openssl ${process.versions.openssl}, ${cpus()[0]?.model.trim() ?? 'unknown'} x ${cpus().length}, ${pinned}`
}

const report = (options: Options, cores: Cores | undefined, results: readonly ScenarioResult[]) => ({
  at: new Date().toISOString(),
  machine: machine(cores),
  pace: options.pace,
  rounds: options.rounds,
  seconds: options.seconds,
  results,
})

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => process.exit(code))

try {
  process.exitCode = await main(readOptions(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}
