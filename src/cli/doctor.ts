import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import type { Seconds } from '../domain/time.ts'
import { duration } from '../formats/settings.ts'
import { firstArrival } from './doctor-arrival.ts'
import type { Door } from './doctor-call.ts'
import { examine } from './doctor-examination.ts'
import { type GatewayKind, gatewayKinds } from './doctor-fixes.ts'
import { type Doors, openGateway } from './doctor-gateway.ts'
import { probes } from './doctor-probes.ts'
import { faultsIn, kindOf, type Report, reportText, reportValue, undecidedIn } from './doctor-report.ts'
import { believedFields, byClient, type Kit } from './doctor-shots.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { isLoopback, parsePort } from './options.ts'
import { paintFor, print, printJson, say } from './terminal.ts'

interface GatewayOptions {
  readonly upstreamPort: number
  readonly bind: string
  readonly token?: string
  readonly tokenEnv?: string
  readonly tokenHeader: string
  readonly headerName: readonly string[]
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly connect?: { readonly host: string; readonly port: number }
  readonly kind?: GatewayKind
  readonly accept: readonly string[]
  readonly wait: Seconds
  readonly output: 'pretty' | 'json'
}

/** `dragoman doctor`: looks at what stands around dragoman, from outside. */
export const createDoctorCommand = (): Command => {
  const command = new Command('doctor')
  command.addCommand(gatewayCommand())
  return command
}

const gatewayCommand = (): Command =>
  new Command('gateway')
    .description('send what attackers send through your gateway to an echo service behind it, and report what leaked')
    .addArgument(new Argument('<url>', 'a route of the gateway that leads to the echo service').argParser(parseUrl))
    .addOption(
      new Option('--upstream-port <port>', 'the port of the echo service, to which you point that route')
        .argParser(parsePort)
        .makeOptionMandatory(),
    )
    .addOption(new Option('--bind <address>', 'the address of the echo service').default('127.0.0.1'))
    .option('--token <@file>', 'a token that the gateway accepts, in a file; - for standard input')
    .option('--token-env <name>', 'the same in an environment variable')
    .addOption(
      new Option('--token-header <name>', 'the header that the token goes into')
        .default('Authorization')
        .argParser(parseHeaderName),
    )
    .addOption(
      listed('--header-name <name>', 'another header in which services expect an identity, such as respond.header'),
    )
    .option('--ca <file>', "PEM: the authority of the gateway's certificate")
    .option('--cert <file>', 'PEM: the client certificate to show; with --key')
    .option('--key <file>', 'PEM: its key')
    .addOption(new Option('--connect <host:port>', 'connect there, whatever the URL says').argParser(parsePlace))
    .addOption(
      new Option('--kind <kind>', 'whose fixes to show; by default what its answers look like, else all').choices(
        gatewayKinds,
      ),
    )
    .addOption(listed('--accept <probe>', 'a probe whose findings are meant to be so'))
    .addOption(
      new Option('--wait <duration>', 'how long a first request may take to come through')
        .default(60, '60s')
        .argParser(parseDuration),
    )
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['pretty', 'json']).default('pretty'))
    // The library would quote what is too much, and that may be a token.
    .allowExcessArguments(true)
    .addHelpText(
      'after',
      `
Exits with 0 when nothing leaked, 3 with findings, 1 when it could not look. The token is never shown.

Examples:
  dragoman doctor gateway https://edge.example.com/orders --upstream-port 8081 --token @token.jwt
  dragoman doctor gateway https://edge.example.com/orders --upstream-port 8081 --token-env TOKEN --kind haproxy
  dragoman doctor gateway https://edge.example.com/orders --upstream-port 8081 --bind 0.0.0.0 --ca ca.pem -o json`,
    )
    .action(doctorGateway)

const listed = (flags: string, description: string): Option =>
  new Option(flags, `${description}; may be repeated`)
    .default([], 'none')
    .argParser((value: string, previous: readonly string[]) => [...previous, value])

const parseUrl = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  if (!isPlain || /[?#\s]/.test(text))
    throw new InvalidArgumentError('give an http or https URL without query, fragment and user information.')
  return url
}

const parseHeaderName = (text: string): string => {
  if (/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/.test(text)) return text
  throw new InvalidArgumentError('a header name is letters, digits and hyphens, at most 64.')
}

const parsePlace = (text: string): { readonly host: string; readonly port: number } => {
  const [, host = '', port = ''] = /^\[?([^[\]]+?)\]?:(\d{1,5})$/.exec(text) ?? []
  if (host === '') throw new InvalidArgumentError('write a host and a port: 127.0.0.1:8443')
  return { host, port: parsePort(port) }
}

const parseDuration = (text: string): Seconds => {
  const parsed = duration.safeParse(text)
  if (!parsed.success) throw new InvalidArgumentError('write a number and a unit: 30s, 5m')
  return parsed.data
}

const doctorGateway = async (url: URL, options: GatewayOptions, { args }: Command): Promise<void> => {
  if (args.length > 1) throw new CommandError('doctor gateway takes one URL', exitCodes.usage)
  const kit = await kitFor(options)
  const doors = await doorsTo(url, options, kit)
  const gateway = await openGateway(doors, options.bind, options.upstreamPort)
  try {
    const { echo } = gateway
    say(
      `dragoman: the echo service listens on ${echo.host}:${echo.port}; let a route of the gateway for ${url.href} and all below it lead there`,
    )
    const hasCredential = kit.token !== undefined || kit.hasCertificate
    if (url.protocol === 'http:' && !isLoopback(url) && kit.token !== undefined)
      say('dragoman: the URL is plain http: whoever is on the way reads the token')
    const { arrival, answer } = await firstArrival(gateway, byClient(kit, 'a good request'), {
      seconds: options.wait,
      hasCredential,
    })
    say('dragoman: a request came through; sending about 80 more')
    const tokenHeaders = ['authorization', ...kit.moreHeaders.map((name) => name.toLowerCase())]
    const scene = { good: arrival, token: kit.token, tokenHeaders, believed: believedFields(kit) }
    const findings = await examine(gateway, kit, scene)
    conclude({ gateway: url.href, kind: options.kind ?? kindOf(answer), findings, accepted: options.accept }, options)
  } finally {
    await gateway.echo.stop()
  }
}

const conclude = (report: Report, { output }: GatewayOptions): void => {
  if (faultsIn(report).length > 0) process.exitCode = exitCodes.faults
  else if (undecidedIn(report).length > 0) process.exitCode = exitCodes.failure
  if (output === 'json') printJson(reportValue(report))
  else print(reportText(report, paintFor(process.stdout)))
}

const kitFor = async (options: GatewayOptions): Promise<Kit> => {
  const names = probes.map(({ name }) => name)
  const unknown = options.accept.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new CommandError(`there is no probe ${unknown}; there are ${names.join(', ')}`, exitCodes.usage)
  for (const name of options.headerName)
    if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/.test(name))
      throw new CommandError('a header name is letters, digits and hyphens, at most 64', exitCodes.usage)
  return {
    token: await readToken(options),
    tokenHeader: options.tokenHeader,
    hasCertificate: options.cert !== undefined,
    moreHeaders: options.headerName,
    newMark: () => randomBytes(12).toString('hex'),
  }
}

/** No message may quote the token. */
const readToken = async ({ token: source, tokenEnv }: GatewayOptions): Promise<string | undefined> => {
  if (source === undefined && tokenEnv === undefined) return undefined
  if (source !== undefined && tokenEnv !== undefined)
    throw new CommandError('--token and --token-env exclude each other', exitCodes.usage)
  const given = source === undefined ? (process.env[tokenEnv ?? ''] ?? '') : await textFrom(source)
  const token = given.trim().replace(/^bearer +/i, '')
  if (token === '') throw new CommandError('the token is empty', exitCodes.usage)
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new CommandError('the token is no token: it has white space in it', exitCodes.usage)
  return token
}

const textFrom = async (source: string): Promise<string> => {
  if (source === '-') return textOf(process.stdin)
  if (!source.startsWith('@'))
    throw new CommandError(
      'shells remember tokens, and process lists show them: --token @FILE or --token-env NAME',
      exitCodes.usage,
    )
  return fileText(source.slice(1), '--token')
}

const fileText = async (path: string, option: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new CommandError(`${option}: the file cannot be read`, exitCodes.failure, { cause })
  }
}

const doorsTo = async (url: URL, options: GatewayOptions, kit: Kit): Promise<Doors> => {
  const { ca, cert, key, connect } = options
  if ((cert === undefined) !== (key === undefined))
    throw new CommandError('--cert and --key go together', exitCodes.usage)
  const hostname = url.hostname.replace(/^\[|\]$/g, '')
  const isTls = url.protocol === 'https:'
  const place = connect ?? { host: hostname, port: url.port === '' ? (isTls ? 443 : 80) : Number(url.port) }
  if (!isTls) return { url, client: place, stranger: place }
  const tls = { name: hostname, ...(ca === undefined ? {} : { authorities: await fileText(ca, '--ca') }) }
  const stranger: Door = { ...place, tls }
  if (cert === undefined || key === undefined) return { url, client: stranger, stranger }
  const certificate = { certificate: await fileText(cert, '--cert'), key: await fileText(key, '--key') }
  const client: Door = { ...place, tls: { ...tls, ...certificate } }
  // Beside a token the certificate is only the way in, which strangers may have as well.
  return { url, client, stranger: kit.token === undefined ? stranger : client }
}
