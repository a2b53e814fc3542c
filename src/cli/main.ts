#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { CommandError, exitCodes } from './exit-codes.ts'
import { printable, say } from './terminal.ts'

/** The program `dragoman`. A command's code is loaded when it is asked for, so that none waits for the others. */

interface Listed {
  readonly name: string
  readonly description: string
  readonly load: () => Promise<Command>
}

const commands: readonly Listed[] = [
  {
    name: 'dev',
    description: 'try it: the real server beside a demo world that hands out tokens',
    load: async () => (await import('./dev.ts')).createDevCommand(),
  },
  {
    name: 'init',
    description: "write a trust map and its test from an issuer's discovery or an authority's certificate",
    load: async () => (await import('./init.ts')).createInitCommand(),
  },
  {
    name: 'check',
    description: 'report every fault of every document at once',
    load: async () => (await import('./check.ts')).createCheckCommand(),
  },
  {
    name: 'test',
    description: 'run the policy tests beside the trust maps',
    load: async () => (await import('./test.ts')).createTestCommand(),
  },
  {
    name: 'explain',
    description: 'walk one token through the journey and show every check',
    load: async () => (await import('./explain.ts')).createExplainCommand(),
  },
  {
    name: 'trace',
    description: 'find in the audit log what was done in one transaction, from the edge to the partner',
    load: async () => (await import('./trace.ts')).createTraceCommand(),
  },
  {
    name: 'serve',
    description: 'serve token exchange by the documents of a folder',
    load: async () => (await import('./serve.ts')).createServeCommand(),
  },
  {
    name: 'keys',
    description: 'list, make, rotate and retire the keys that tokens are signed with',
    load: async () => (await import('./keys.ts')).createKeysCommand(),
  },
  {
    name: 'secret',
    description: 'make a random client secret and the form of it that may stand in a document',
    load: async () => (await import('./secret.ts')).createSecretCommand(),
  },
  {
    name: 'doctor',
    description: 'try what attackers try through your own gateway, and report what leaked',
    load: async () => (await import('./doctor.ts')).createDoctorCommand(),
  },
  {
    name: 'gateway',
    description: 'print configuration for a gateway that asks dragoman about every request',
    load: async () => (await import('./gateway-snippet.ts')).createGatewayCommand(),
  },
  {
    name: 'schema',
    description: 'print the JSON Schema of all documents, for editors',
    load: async () => (await import('./schema.ts')).createSchemaCommand(),
  },
]

const versionOf = (packageFile: URL): string => {
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { readonly version: string }
  return version
}

const programFor = async (words: readonly string[]): Promise<Command> => {
  const program = new Command('dragoman')
    .description('token exchange: foreign credentials in, one canonical identity inside (RFC 8693)')
    // A command below another has options of the same names.
    .enablePositionalOptions()
    .version(versionOf(new URL('../../package.json', import.meta.url)))
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 faults in the documents (or in a gateway), 4 policy tests failed.

Examples:
  dragoman dev                                       see it work
  dragoman init --issuer https://idp.example.com     believe an issuer
  dragoman check && dragoman test                    judge the documents
  dragoman serve --issuer https://dragoman.example.com`,
    )
  const named = words.filter((word) => !word.startsWith('-')).slice(0, 2)
  for (const { name, description, load } of commands)
    program.addCommand((named.includes(name) ? await load() : new Command(name)).description(description))
  return configured(program)
}

/** Makes `command` and those below it speak alike, and leave the end of the process to `main`. */
const configured = (command: Command): Command => {
  command.exitOverride().configureOutput({
    outputError: (text, write) =>
      write(
        printable(text.trimEnd())
          .replace(/^error: /, 'dragoman: ')
          .concat('\n'),
      ),
  })
  command.commands.forEach(configured)
  return command
}

const main = async (words: readonly string[]): Promise<void> => {
  try {
    const program = await programFor(words)
    if (words.length === 0) program.help({ error: true })
    await program.parseAsync(words, { from: 'user' })
  } catch (thrown) {
    process.exitCode = endOf(thrown)
  }
}

/** Says what went wrong, unless that has been said, and how the process ends. */
const endOf = (thrown: unknown): number => {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  say(printable(`dragoman: ${thrown instanceof Error ? thrown.message : 'it failed without saying why'}`))
  return thrown instanceof CommandError ? thrown.exitCode : exitCodes.failure
}

/** Whoever reads may have read enough and gone: no reason to crash, nor to call it done. */
for (const stream of [process.stdout, process.stderr])
  stream.on('error', () => {
    process.exitCode = exitCodes.failure
  })

await main(process.argv.slice(2))
