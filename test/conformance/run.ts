import { readFileSync } from 'node:fs'
import { runExchangeBehaviours } from './exchange-behaviours.ts'
import { runJwtCases } from './jwt-cases.ts'
import { reportOf, type Timed } from './report.ts'
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
  if (!isWycheproof(content)) throw new Error(`${path}: no runner for the format ${format}`)
  return { format, verdicts: await runWycheproof(content, path) }
}

const explain = (verdicts: readonly Timed[]): void => {
  for (const verdict of verdicts) {
    if (verdict.kind !== 'right') process.stderr.write(`${verdict.kind} ${verdict.id}: ${verdict.why}\n`)
  }
}

const main = async (args: readonly string[]): Promise<number> => {
  const files = args.filter((arg) => !arg.startsWith('--'))
  if (files.length === 0) throw new Error('usage: npm run conformance -- [--verbose] FILE...')
  let accepted = 0
  for (const file of files) {
    const { format, verdicts } = await runFile(file)
    const report = reportOf(file, format, verdicts)
    process.stdout.write(`${JSON.stringify(report)}\n`)
    if (args.includes('--verbose')) explain(verdicts)
    accepted += report.falseAccepts.length
  }
  return accepted === 0 ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (thrown) {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
  process.exitCode = 2
}
