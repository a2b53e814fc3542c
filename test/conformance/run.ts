import { readFileSync } from 'node:fs'
import { runExchangeBehaviours } from './exchange-behaviours.ts'
import { runJwtCases } from './jwt-cases.ts'
import { type Report, reportOf, type Timed } from './report.ts'
import { isWycheproof, runWycheproof } from './wycheproof.ts'

/**
 * npm run conformance -- [--verbose] FILE...
 *
 * Judges every case of each file and prints one JSON line a file. Exit status: 0 no false accept, 1 a false accept,
 * 2 a file could not be run.
 */

const runners: Readonly<Record<string, (content: unknown) => Promise<readonly Timed[]>>> = {
  'dragoman-jwt-cases/1': runJwtCases,
  'dragoman-exchange-behaviours/1': runExchangeBehaviours,
}

const runFile = async (path: string): Promise<{ readonly format: string; readonly verdicts: readonly Timed[] }> => {
  const content = JSON.parse(readFileSync(path, 'utf8')) as { readonly format?: unknown; readonly schema?: unknown }
  const format = String(content.format ?? content.schema)
  const run = runners[format]
  if (run !== undefined) return { format, verdicts: await run(content) }
  if (!isWycheproof(content)) throw new Error(`no runner for the format ${format}`)
  return { format, verdicts: await runWycheproof(content, path) }
}

const explain = (verdicts: readonly Timed[]): void => {
  for (const verdict of verdicts) {
    if (verdict.kind !== 'right') process.stderr.write(`${verdict.kind} ${verdict.id}: ${verdict.why}\n`)
  }
}

/** Judges one file; undefined when it could not be run, of which the reason has been said. */
const attempt = async (file: string, verbose: boolean): Promise<Report | undefined> => {
  try {
    const { format, verdicts } = await runFile(file)
    const report = reportOf(file, format, verdicts)
    process.stdout.write(`${JSON.stringify(report)}\n`)
    if (verbose) explain(verdicts)
    return report
  } catch (thrown) {
    process.stderr.write(`${file}: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
    return undefined
  }
}

const main = async (args: readonly string[]): Promise<number> => {
  const files = args.filter((arg) => !arg.startsWith('--'))
  if (files.length === 0) {
    process.stderr.write('usage: npm run conformance -- [--verbose] FILE...\n')
    return 2
  }
  const reports: (Report | undefined)[] = []
  for (const file of files) reports.push(await attempt(file, args.includes('--verbose')))
  if (reports.some((report) => report !== undefined && report.falseAccepts.length > 0)) return 1
  return reports.includes(undefined) ? 2 : 0
}

process.exitCode = await main(process.argv.slice(2))
