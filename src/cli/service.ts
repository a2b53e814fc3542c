import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { usualMaxInFlight } from '../runtimes/node/admission.ts'
import { FaultyDocuments } from '../runtimes/node/documents-in-force.ts'
import { type RunningServer, startServer } from '../runtimes/node/server.ts'
import type { ServerOptions } from '../runtimes/node/server-options.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { counted, faultsText } from './faults.ts'
import {
  keysFolder,
  mtlsAlias,
  ourIssuer,
  parseCount,
  parsePort,
  parseTrustDomain,
  trustMapsFolder,
} from './options.ts'
import { printable, say } from './terminal.ts'

/** What `serve` and `dev` are told. */
export interface ServiceOptions {
  readonly issuer?: string
  readonly trustMaps: string
  readonly keys: string
  readonly host: string
  readonly port: number
  readonly grpcPort?: number
  readonly maxInFlight?: number
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly clientCa?: string
  readonly trustDomain?: string
  readonly mtlsAlias?: string
  readonly vaultAddress?: string
  readonly vaultTokenFile?: string
  readonly vaultRole?: string
  readonly vaultAuthMount: string
  readonly vaultNamespace?: string
  readonly adminHost: string
  readonly adminPort?: number
  readonly state: string
  readonly audit: string
}

/** Where `serve` and `dev` differ when nobody says anything. */
export interface ServiceDefaults {
  readonly state: string
  readonly audit: string
}

const defaultPort = 8693

/** Adds what `serve` and `dev` can both be told. */
export const addServiceOptions = (command: Command, defaults: ServiceDefaults): Command =>
  command
    .addOption(ourIssuer('our issuer identifier'))
    .addOption(trustMapsFolder())
    .addOption(keysFolder())
    .addOption(new Option('--host <address>', 'where to listen').env('DRAGOMAN_HOST').default('127.0.0.1'))
    .addOption(portOption('--port <number>', 'the port to listen on').env('DRAGOMAN_PORT').default(defaultPort))
    .addOption(
      portOption('--grpc-port <number>', 'the port for gateways that ask over gRPC; by default there is none').env(
        'DRAGOMAN_GRPC_PORT',
      ),
    )
    .addOption(
      new Option('--max-in-flight <number>', 'how many requests may be in progress at once; more are turned away')
        .env('DRAGOMAN_MAX_IN_FLIGHT')
        .default(usualMaxInFlight)
        .argParser(parseCount),
    )
    .addOption(
      new Option(
        '--tls-cert <file>',
        'speak TLS with this certificate and its intermediates, PEM; read again when it changes',
      ).env('DRAGOMAN_TLS_CERT'),
    )
    .addOption(new Option('--tls-key <file>', 'the private key of it, PEM').env('DRAGOMAN_TLS_KEY'))
    .addOption(
      new Option(
        '--client-ca <file>',
        'ask callers for certificates of these authorities, PEM; `any`: let every certificate through to where it is judged',
      ).env('DRAGOMAN_CLIENT_CA'),
    )
    .addOption(mtlsAlias())
    .addOption(
      new Option('--trust-domain <name>', 'our SPIFFE trust domain, for JWT-SVIDs of ours')
        .env('DRAGOMAN_TRUST_DOMAIN')
        .argParser(parseTrustDomain),
    )
    .addOption(
      new Option('--vault-address <url>', 'the Vault or OpenBao server of secrets that documents name by keyRef').env(
        'DRAGOMAN_VAULT_ADDRESS',
      ),
    )
    .addOption(
      new Option('--vault-token-file <file>', 'the token to read them with; read anew each time').env(
        'DRAGOMAN_VAULT_TOKEN_FILE',
      ),
    )
    .addOption(
      new Option('--vault-role <name>', 'in place of a token: the role to log in to with a JWT of our own').env(
        'DRAGOMAN_VAULT_ROLE',
      ),
    )
    .addOption(
      new Option('--vault-auth-mount <path>', 'where the jwt auth method is mounted')
        .env('DRAGOMAN_VAULT_AUTH_MOUNT')
        .default('jwt'),
    )
    .addOption(new Option('--vault-namespace <name>', 'the namespace there').env('DRAGOMAN_VAULT_NAMESPACE'))
    .addOption(
      new Option('--admin-host <address>', 'where to listen for health checks')
        .env('DRAGOMAN_ADMIN_HOST')
        .default('127.0.0.1'),
    )
    .addOption(
      portOption('--admin-port <number>', 'the port for health checks; by default the one after --port').env(
        'DRAGOMAN_ADMIN_PORT',
      ),
    )
    .addOption(
      new Option(
        '--state <where>',
        'what must survive a restart: a file, :memory:, or for several instances redis://… or postgres://…',
      )
        .env('DRAGOMAN_STATE')
        .default(defaults.state),
    )
    .addOption(
      new Option('--audit <file>', 'where audit events go: - for standard output, none, or a file')
        .env('DRAGOMAN_AUDIT')
        .default(defaults.audit),
    )

const portOption = (flags: string, description: string): Option => new Option(flags, description).argParser(parsePort)

/** Port 0 is any free one, and then so is the other. */
const adminPortOf = ({ port, adminPort }: ServiceOptions): number => adminPort ?? (port === 0 ? 0 : port + 1)

/** The three files of TLS: the first two go together, and without them there is nobody to ask for a certificate. */
const tlsOf = ({ tlsCert: cert, tlsKey: key, clientCa }: ServiceOptions): Pick<ServerOptions, 'tls'> => {
  if (cert === undefined && key === undefined && clientCa === undefined) return {}
  if (cert === undefined || key === undefined)
    throw new CommandError('--tls-cert and --tls-key go together, and --client-ca needs both', exitCodes.usage)
  return { tls: { cert, key, ...(clientCa === undefined ? {} : { clientCa }) } }
}

/** Vault is told who we are in exactly one way. */
const vaultOf = ({
  vaultAddress: address,
  vaultTokenFile: tokenFile,
  vaultRole: role,
  vaultAuthMount: mount,
  vaultNamespace: namespace,
}: ServiceOptions): Pick<ServerOptions, 'vault'> => {
  if (address === undefined) {
    if (tokenFile === undefined && role === undefined && namespace === undefined) return {}
    throw new CommandError('--vault-address is missing', exitCodes.usage)
  }
  if (!URL.canParse(address)) throw new CommandError('--vault-address is no URL', exitCodes.usage)
  if ((tokenFile === undefined) === (role === undefined))
    throw new CommandError('--vault-address needs exactly one of --vault-token-file and --vault-role', exitCodes.usage)
  const auth = tokenFile === undefined ? { mount, role: role ?? '' } : { tokenFile }
  return { vault: { address, auth, ...(namespace === undefined ? {} : { namespace }) } }
}

type Rest = Omit<ServerOptions, keyof ServiceOptions | 'tls' | 'vault'>

/**
 * Starts the server.
 *
 * @throws CommandError that says what to do: documents with faults (printed as by `check`), a port in use, no key
 */
export const start = async (options: ServiceOptions, rest: Rest): Promise<RunningServer> => {
  try {
    return await startServer({
      ...options,
      ...rest,
      ...tlsOf(options),
      ...vaultOf(options),
      adminPort: adminPortOf(options),
    })
  } catch (cause) {
    if (cause instanceof FaultyDocuments) throw withFaultsShown(cause, options.trustMaps)
    throw isPortTaken(cause) ? portTaken(cause) : cause
  }
}

/** Documents are named relative to their folder; people look for them from where they are. */
const withFaultsShown = ({ faults, texts }: FaultyDocuments, folder: string): CommandError => {
  const located = faults.map((fault) => ({
    ...fault,
    location: { ...fault.location, file: join(folder, fault.location.file) },
  }))
  say(faultsText(located, new Map([...texts].map(([name, text]) => [join(folder, name), text]))))
  return new CommandError(`${counted(faults.length, 'fault')} in the documents of ${folder}`, exitCodes.faults)
}

const isPortTaken = (thrown: unknown): thrown is Error => {
  const cause = thrown instanceof Error ? thrown.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
}

const portTaken = (cause: Error): CommandError =>
  new CommandError(`${cause.message}; choose other ports: --port N, --admin-port N (0: any free one)`, undefined, {
    cause,
  })

/** Says, on one line, that the server answers, and for what. */
export const announce = (server: RunningServer): void => {
  const { url, adminUrl, grpcPort, issuer } = server
  const { maps, clients } = server.desk().trust
  const grpc = grpcPort === undefined ? '' : `, gRPC port ${grpcPort}`
  const counts = `${counted(maps.length, 'trust map')}, ${counted(clients.size, 'client')}`
  say(printable(`dragoman: listening on ${url} (issuer ${issuer}, ${counts}, admin ${adminUrl}${grpc})`))
}

const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const
type Signal = keyof typeof signalNumbers

/** Resolves at SIGINT or SIGTERM. A second signal ends the process at once, whatever is still under way. */
export const untilSignal = (): Promise<void> =>
  new Promise((resolve) => {
    let isStopping = false
    const onSignal = (signal: Signal): void => {
      if (isStopping) process.exit(128 + signalNumbers[signal])
      isStopping = true
      say('dragoman: stopping; a second signal ends it at once')
      resolve()
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
