import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type RuntimeName, runtimeNames } from '../runtimes/programs.ts'
import { runExchangeBehaviours } from './exchange-behaviours.ts'
import { runGatewayHeaders } from './gateway-headers.ts'
import { runJwtCases } from './jwt-cases.ts'
import { runElsewhere } from './other-runtimes.ts'
import { type Report, reportOf, type Timed } from './report.ts'
import { runSamlCases } from './saml-cases.ts'
import { runSpiffeIds } from './spiffe-id.ts'
import { isWycheproof, runWycheproof } from './wycheproof.ts'
import { runX509Chains } from './x509-chains.ts'
import { runX509SvidChains } from './x509svid-chain.ts'

/**
 * npm run conformance -- [--verbose] [--runtime workerd|deno|bun] FILE...
 *
 * Judges every case of each file and prints one JSON line a file. Exit status: 0 no false accept, 1 a false accept or an
 * answer of the other runtime that is not Node's, 2 a file could not be run.
 */

const runners: Readonly<Record<string, (content: unknown) => Promise<readonly Timed[]>>> = {
  'dragoman-jwt-cases/1': runJwtCases,
  'dragoman-exchange-behaviours/1': runExchangeBehaviours,
  'dragoman-x509-chains/1': runX509Chains,
  'dragoman-saml-cases/1': runSamlCases,
  'dragoman-gateway-headers/1': runGatewayHeaders,
  'dragoman-spiffe-id/1': runSpiffeIds,
  'dragoman-x509svid-chain/1': runX509SvidChains,
}

const runFile = async (
  path: string,
  runtime: RuntimeName | undefined,
): Promise<{ report: Report; verdicts: readonly Timed[] }> => {
  const content = JSON.parse(readFileSync(path, 'utf8')) as { readonly format?: unknown; readonly schema?: unknown }
  const format = String(content.format ?? content.schema)
  if (runtime !== undefined) {
    const { verdicts, equalToNode } = await runElsewhere(runtime, format, content)
    return { report: { ...reportOf(path, format, verdicts), runtime, equalToNode }, verdicts }
  }
  const run = runners[format]
  if (run === undefined && !isWycheproof(content)) throw new Error(`no runner for the format ${format}`)
  const verdicts = run === undefined ? await runWycheproof(content, path) : await run(content)
  return { report: reportOf(path, format, verdicts), verdicts }
}

const explain = (verdicts: readonly Timed[]): void => {
  for (const verdict of verdicts) {
    if (verdict.kind !== 'right') process.stderr.write(`${verdict.kind} ${verdict.id}: ${verdict.why}\n`)
  }
}

interface Options {
  readonly verbose: boolean
  /** Where, if not on Node alone. */
  readonly runtime?: RuntimeName | undefined
}

/** Judges one file; undefined when it could not be run, of which the reason has been said. */
const attempt = async (file: string, { verbose, runtime }: Options): Promise<Report | undefined> => {
  try {
    const { report, verdicts } = await runFile(file, runtime)
    process.stdout.write(`${JSON.stringify(report)}\n`)
    if (verbose) explain(verdicts)
    return report
  } catch (thrown) {
    process.stderr.write(`${file}: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
    return undefined
  }
}

const failed = ({ cases, falseAccepts, equalToNode = cases }: Report): boolean =>
  falseAccepts.length > 0 || equalToNode < cases

const main = async (args: readonly string[]): Promise<number> => {
  const { values: options, positionals: files } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { verbose: { type: 'boolean', default: false }, runtime: { type: 'string' } },
  })
  const runtime = runtimeNames.find((name) => name === options.runtime)
  if (files.length === 0 || runtime !== options.runtime) {
    process.stderr.write(`usage: npm run conformance -- [--verbose] [--runtime ${runtimeNames.join('|')}] FILE...\n`)
    return 2
  }
  const reports: (Report | undefined)[] = []
  for (const file of files) reports.push(await attempt(file, { verbose: options.verbose, runtime }))
  if (reports.some((report) => report !== undefined && failed(report))) return 1
  return reports.includes(undefined) ? 2 : 0
}

process.exitCode = await main(process.argv.slice(2))
