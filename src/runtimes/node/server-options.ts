import type { Desk } from '../../desk.ts'
import type { Trace } from '../../domain/trace.ts'
import type { Log } from '../../ports/log.ts'
import type { SourceFile } from '../../trust.ts'
import type { TlsFiles } from './tls.ts'

/** What a deployment on Node is told, however it is reached. */
export interface InsideOptions {
  /** The folder with the documents. */
  readonly trustMaps: string
  /** The folder with the signing keys. */
  readonly keys: string
  /** The SPIFFE trust domain that JWT-SVIDs of ours are of. */
  readonly trustDomain?: string
  /** The base URL at which clients with certificates reach us, if it is not that of our issuer (RFC 8705 section 5). */
  readonly mtlsAlias?: string
  /** Where secrets lie that documents name by keyRef. */
  readonly vault?: VaultOptions
  /** Where what must survive a restart is: a file, the URL of a store that instances share, or `:memory:`. */
  readonly state: string
  /** `-` for standard output, `none`, or a file that is appended to. */
  readonly audit: string
  /** `dev` loads the demo documents and permits plain http to this machine. */
  readonly world: 'serve' | 'dev'
  readonly log: Log
  /** Make a signing key when there is none. */
  readonly generateKey?: boolean
  /** Documents in place of files of the same name in the folder, or besides them. */
  readonly documents?: readonly SourceFile[]
  /** Hears of every finished exchange, with all its checks. */
  readonly onTrace?: (trace: Trace, desk: Desk) => void
}

/** The same for one that listens by itself. */
export interface ServerOptions extends InsideOptions {
  /** Our issuer identifier; by default the URL that is listened on. */
  readonly issuer?: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** The port at which gateways ask over gRPC, at the same host and with the same TLS; 0: any free one; absent: none. */
  readonly grpcPort?: number
  /** How many requests may be in progress at once; more are turned away. */
  readonly maxInFlight?: number
  /** Speak TLS on the public port, with what these files hold. */
  readonly tls?: TlsFiles
  readonly adminHost: string
  readonly adminPort: number
}

/** A Vault or OpenBao server, and how we say there who we are: by a token, or by a role of its jwt auth method. */
export interface VaultOptions {
  readonly address: string
  readonly namespace?: string
  readonly auth: { readonly tokenFile: string } | { readonly mount: string; readonly role: string }
}
