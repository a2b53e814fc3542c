import { Argument, Command, Option } from 'commander'
import { type Rehearsal, type RehearsedTest, rehearse } from '../rehearse.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { gather, judge } from './documents.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { counted, faultsText } from './faults.ts'
import { documentPaths, insecureLoopback } from './options.ts'
import { type Paint, paintFor, print, printable, printJson, say } from './terminal.ts'

interface TestOptions {
  readonly output: 'pretty' | 'json'
  readonly coverage?: true
  readonly insecureLoopback?: true
}

/** `dragoman test`: policy tests, played through the journey without keys or network. */
export const createTestCommand = (): Command =>
  new Command('test')
    .addArgument(new Argument('[paths...]', 'folders or files with documents').default(documentPaths()))
    .option('--coverage', 'show for every rule how many tests it has spoken in')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['pretty', 'json']).default('pretty'))
    .addOption(insecureLoopback())
    .addHelpText(
      'after',
      `
Exits with 0, with 4 when tests have failed, with 3 when the documents have faults.

Examples:
  dragoman test
  dragoman test trust-maps/github_test.yaml --coverage`,
    )
    .action(test)

const test = async (paths: readonly string[], options: TestOptions): Promise<void> => {
  const { files, texts, isAsked } = await gather(paths)
  const { trust, faults } = await judge(files, { insecureLoopback: options.insecureLoopback === true })
  if (trust === undefined) {
    say(faultsText(faults, texts))
    throw new CommandError(`${counted(faults.length, 'fault')} in the documents; mend them first`, exitCodes.faults)
  }
  const suites = trust.suites.filter(({ location }) => isAsked(location.file))
  if (suites.length === 0)
    throw new CommandError(`there are no tests in ${paths.join(', ')}; write a TrustMapTest beside the map`)
  const rehearsal = aboutAsked(await rehearse(trust, createNodeDigest(), suites), isAsked)
  if (rehearsal.tests.some(hasFailed)) process.exitCode = exitCodes.testsFailed
  if (options.output === 'json') printJson(reportOf(rehearsal))
  else report(rehearsal, options.coverage === true, paintFor(process.stdout))
}

/** Leaves out the rules of maps that were neither asked about nor touched. */
const aboutAsked = ({ tests, coverage }: Rehearsal, isAsked: (file: string) => boolean): Rehearsal => {
  const touched = new Set(tests.map(({ trace }) => trace.map))
  return { tests, coverage: coverage.filter(({ map, location }) => touched.has(map) || isAsked(location.file)) }
}

const hasFailed = ({ differences }: RehearsedTest): boolean => differences.length > 0

const report = (rehearsal: Rehearsal, showsAll: boolean, paint: Paint): void => {
  const { tests, coverage } = rehearsal
  for (const rehearsed of tests) print(testText(rehearsed, paint))
  const failed = tests.filter(hasFailed).length
  const spoken = coverage.filter((rule) => rule.tests > 0).length
  print(
    `\n${counted(tests.length, 'test')}, ${failed} failed; ${spoken} of ${counted(coverage.length, 'rule')} covered`,
  )
  for (const rule of coverage.filter((one) => showsAll || one.tests === 0)) {
    const { file, line } = rule.location
    const words = rule.tests === 0 ? 'no test has matched it' : counted(rule.tests, 'test')
    print(printable(`  ${rule.map}/${rule.rule}: ${words} (${file}:${line})`))
  }
}

const testText = ({ suite, test: { name, location }, differences }: RehearsedTest, paint: Paint): string => {
  if (differences.length === 0) return `${paint('green', 'PASS')}  ${printable(`${suite}: ${name}`)}`
  const head = `${suite}: ${name} (${location.file}:${location.line})`
  const lines = [head, ...differences.map((line) => `        ${line}`)]
  return `${paint('red', 'FAIL')}  ${printable(lines.join('\n'))}`
}

const reportOf = ({ tests, coverage }: Rehearsal) => ({
  tests: tests.map(({ suite, test: { name, location }, differences, trace }) => ({
    suite,
    name,
    location,
    passed: differences.length === 0,
    differences,
    map: trace.map,
    rule: trace.rule,
    outcome: trace.outcome,
  })),
  coverage,
})
