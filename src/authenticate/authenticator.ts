import type * as z from 'zod'
import type { ClientCredential } from '../domain/exchange.ts'
import type { Fault } from '../domain/fault.ts'
import type { Instant } from '../domain/time.ts'
import type { Ports } from '../ports/ports.ts'
import type { Watched } from '../sources/kept-fresh.ts'
import type { KeySets } from '../sources/key-sets.ts'
import type { Outbound } from '../sources/outbound.ts'

/** What an authenticator may use. */
export interface Tools {
  readonly ports: Ports
  readonly keySets: KeySets
  readonly outbound: Outbound
  /** Our issuer identifier: the one audience of a client assertion. */
  readonly issuer: string
}

/** One client authentication method (token_endpoint_auth_method). One file beside this one and one word in the catalog. */
export interface Authenticator<Config, Prepared> {
  /** Equals the file's name and the `method` in a Client document. */
  readonly kind: string
  /** How a caller that uses this method presents itself; several methods rest on nothing but a certificate. */
  readonly presentedAs: ClientCredential['method']
  readonly schema: z.ZodType<Config>
  lint(config: Config, options: { insecureLoopback: boolean }): readonly Omit<Fault, 'location'>[]
  /** Reads secrets and opens key sets. Throws an Error that says what is missing. */
  prepare(config: Config, tools: Tools): Promise<Prepared>
  /** The key sets and bundles that were opened: to be fetched before the first request and watched for readiness. */
  keySets(prepared: Prepared): readonly Watched[]
  /** Returns when `credential` proves that its sender is `clientId`; throws a Refusal otherwise. */
  authenticate(
    credential: ClientCredential,
    clientId: string,
    prepared: Prepared,
    now: Instant,
    tools: Tools,
  ): Promise<void>
}

/** An authenticator of some method, where the method does not matter. */
export type AnyAuthenticator = Authenticator<unknown, unknown>
