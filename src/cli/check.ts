import { Argument, Command, Option } from 'commander'
import type { Fault } from '../domain/fault.ts'
import type { Trust } from '../trust.ts'
import { gather, judge } from './documents.ts'
import { exitCodes } from './exit-codes.ts'
import { counted, faultsForGithub, faultsText } from './faults.ts'
import { documentPaths, insecureLoopback } from './options.ts'
import { print, printJson, say } from './terminal.ts'

interface CheckOptions {
  readonly output: 'pretty' | 'json' | 'github'
  readonly insecureLoopback?: true
}

/** `dragoman check`: every fault of every document at once. */
export const createCheckCommand = (): Command =>
  new Command('check')
    .addArgument(new Argument('[paths...]', 'folders or files with documents').default(documentPaths()))
    .addOption(
      new Option('-o, --output <format>', 'how to print').choices(['pretty', 'json', 'github']).default('pretty'),
    )
    .addOption(insecureLoopback())
    .addHelpText(
      'after',
      `
Exits with 0, or with 3 when there are faults.

Examples:
  dragoman check
  dragoman check trust-maps/github.yaml
  dragoman check -o github          in a workflow: faults appear in the pull request`,
    )
    .action(check)

const check = async (paths: readonly string[], { output, insecureLoopback: loopback }: CheckOptions): Promise<void> => {
  const { files, texts, isAsked } = await gather(paths)
  const judged = await judge(files, { insecureLoopback: loopback === true })
  const ofAsked = (all: readonly Fault[]) => all.filter(({ location }) => isAsked(location.file))
  const [faults, warnings] = [ofAsked(judged.faults), ofAsked(judged.warnings)]
  if (faults.length > 0) process.exitCode = exitCodes.faults
  if (output === 'json') {
    const asked = files.filter(({ name }) => isAsked(name)).map(({ name }) => name)
    printJson({ faults, warnings, files: asked })
    return
  }
  if (warnings.length > 0) print(output === 'github' ? faultsForGithub(warnings, 'warning') : warned(warnings, texts))
  if (faults.length === 0) say(summaryOf(paths, judged.trust))
  else if (output === 'github') print(faultsForGithub(faults))
  else print(`${faultsText(faults, texts)}\n\n${countOf(faults)}`)
}

/** Warnings look like faults and say that they are none. */
const warned = (warnings: readonly Fault[], texts: ReadonlyMap<string, string>): string =>
  `${faultsText(
    warnings.map((one) => ({ ...one, message: `weak: ${one.message}` })),
    texts,
  )}\n`

const countOf = (faults: readonly Fault[]): string => {
  const files = new Set(faults.map(({ location }) => location.file))
  return `${counted(faults.length, 'fault')} in ${counted(files.size, 'file')}`
}

const summaryOf = (paths: readonly string[], trust: Trust | undefined): string => {
  const { maps, clients, suites } = trust ?? { maps: [], clients: new Map(), suites: [] }
  const counts = [
    counted(maps.length, 'trust map'),
    counted(clients.size, 'client'),
    counted(suites.length, 'test suite'),
  ]
  return `${paths.join(', ')}: no faults${trust === undefined ? '' : ` (${counts.join(', ')})`}`
}
