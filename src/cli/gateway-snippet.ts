import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { name as documentName } from '../formats/settings.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { type Address, documentFile, type SnippetPlace, snippetFiles, usualPlace } from './gateway-snippet-files.ts'
import { type SnippetKind, snippetKinds, spokenBy } from './gateway-snippet-kinds.ts'
import { writeNewFiles } from './new-files.ts'
import { parsePort } from './options.ts'
import { print, say } from './terminal.ts'

interface SnippetOptions extends SnippetPlace {
  readonly document?: true
  readonly dir?: string
}

/** `dragoman gateway`: what there is for those who run gateways. */
export const createGatewayCommand = (): Command => {
  const gateway = new Command('gateway')
  gateway.addCommand(snippetCommand())
  return gateway
}

const snippetCommand = (): Command =>
  new Command('snippet')
    .description('print configuration for a gateway that asks dragoman about every request')
    .addArgument(new Argument('<gateway>', 'which').argParser(parseKind))
    .addOption(
      new Option('--name <name>', 'the name of the Gateway document')
        .default(usualPlace.name)
        .argParser(parseDocumentName),
    )
    .addOption(
      word('--host <name>', 'what clients call the service', /^[A-Za-z0-9.-]{1,253}$/).default(usualPlace.host),
    )
    .addOption(word('--audience <aud>', 'whom tokens are for', /^[\w:/.~-]{1,512}$/).default(usualPlace.audience))
    .addOption(
      new Option('--dragoman <url>', 'where the gateway reaches dragoman')
        .argParser(parseOrigin)
        .default(usualPlace.dragoman, usualPlace.dragoman.origin),
    )
    .addOption(word('--server-name <name>', "the name in dragoman's certificate, if it is not that host", /^[\w.-]+$/))
    .addOption(address('--service <host:port>', 'the service behind the gateway', usualPlace.service))
    .addOption(address('--listen <address:port>', 'where the gateway listens', usualPlace.listen))
    .addOption(
      word('--files <folder>', 'where the gateway has its certificates', /^[\w/.-]{1,512}$/).default(usualPlace.files),
    )
    .addOption(
      new Option('--lua-port <number>', 'the port at which HAProxy asks itself')
        .default(usualPlace.luaPort)
        .argParser(parsePort),
    )
    .option('--client-certificates', 'clients may come with certificates, and have them instead of a token')
    .addOption(new Option('--document', 'print the Gateway document that belongs to it').conflicts('dir'))
    .option('--dir <folder>', 'write all files of it there, and none over one that is there')
    .addHelpText(
      'after',
      `
Gateways:
${snippetKinds.map(({ name, what }) => `  ${name.padEnd(16)}${what}`).join('\n')}

Examples:
  dragoman gateway snippet nginx > /etc/nginx/conf.d/dragoman.conf
  dragoman gateway snippet nginx --document > trust-maps/edge.yaml
  dragoman gateway snippet haproxy --dragoman http://127.0.0.1:8693 --dir edge`,
    )
    .action(snippet)

/** What stands for itself in every configuration: nothing in it is quoted. */
const word = (flags: string, description: string, grammar: RegExp): Option =>
  new Option(flags, description).argParser((text: string) => {
    if (grammar.test(text)) return text
    throw new InvalidArgumentError('it would not stand for itself in every configuration.')
  })

const parseDocumentName = (text: string): string => {
  if (documentName.safeParse(text).success) return text
  throw new InvalidArgumentError('a name is lower-case letters, digits and hyphens, at most 63.')
}

const parseKind = (text: string): SnippetKind => {
  const kind = snippetKinds.find(({ name }) => name === text)
  if (kind !== undefined) return kind
  const speakers = Object.hasOwn(spokenBy, text) ? spokenBy[text] : undefined
  throw new InvalidArgumentError(
    speakers === undefined
      ? `there are ${snippetKinds.map(({ name }) => name).join(', ')}.`
      : `that is spoken by ${speakers.join(' and ')}: name one of them.`,
  )
}

const parseOrigin = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:\/\/[A-Za-z0-9.-]+(:\d+)?\/?$/.test(text))
    throw new InvalidArgumentError('name a scheme, a host and a port, such as https://dragoman.internal.example:8693.')
  return url
}

const address = (flags: string, description: string, usual: Address): Option =>
  new Option(flags, description).argParser(parseAddress).default(usual, `${usual.host}:${usual.port}`)

const parseAddress = (text: string): Address => {
  const [, host, port] = /^([A-Za-z0-9.-]{1,253}):(\d{1,5})$/.exec(text) ?? []
  if (host === undefined || port === undefined || Number(port) > 65_535)
    throw new InvalidArgumentError('an address is a host and a port, such as 127.0.0.1:8080.')
  return { host, port }
}

const snippet = async (kind: SnippetKind, options: SnippetOptions): Promise<void> => {
  const { dragoman, dir, document } = options
  if (kind.byCertificate === true && dragoman.protocol !== 'https:')
    throw new CommandError(
      `${kind.name} proves itself by its certificate: --dragoman has to be an https URL`,
      exitCodes.usage,
    )
  const files = await snippetFiles(kind, options)
  if (dir !== undefined) return writeFiles(files, dir, options)
  const shown = document === true ? documentFile : kind.files[0]
  print((files[shown] ?? '').trimEnd())
  const others = Object.keys(files).filter((file) => file !== shown)
  if (document !== true) say(`there belong to it: ${others.join(', ')}; --dir FOLDER writes all of them`)
}

/** The document is called as it is named. */
const writeFiles = async (
  files: Readonly<Record<string, string>>,
  dir: string,
  { name }: SnippetOptions,
): Promise<void> => {
  const named = Object.entries(files).map(([file, text]) => [file === documentFile ? `${name}.yaml` : file, text])
  await writeNewFiles(dir, Object.fromEntries(named))
  say(`written to ${dir}: ${named.map(([file]) => file).join(', ')}; ${name}.yaml is for the folder of trust maps`)
}
