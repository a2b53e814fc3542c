import type * as z from 'zod'
import type { Json } from '../domain/claims.ts'
import type { Grant } from '../domain/grant.ts'
import type { Obtained, OutgoingRequest, Party } from '../domain/partner.ts'
import type { Secret } from '../domain/secret.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import type { IssuedToken } from '../domain/token.ts'
import type { Remark } from '../formats/schema-faults.ts'
import type { ClientCertificate, HttpRequest, HttpResponse } from '../ports/http.ts'
import type { Ports } from '../ports/ports.ts'
import type { KeptSecret } from '../sources/kept-secret.ts'
import type { Outbound } from '../sources/outbound.ts'
import type { Vault } from '../sources/vault-secrets.ts'

/** What every credential of a Partner document says, whatever its type. */
export interface CommonSettings {
  readonly type: string
  /** Each identity has a credential of its own, even where the kind would not need it. */
  readonly perIdentity?: boolean | undefined
}

/** What a kind can make ready when documents are loaded. No network is waited for. */
export interface PrepareTools {
  readonly issuer: string
  readonly ports: Ports
  readonly outbound: Outbound
  readonly vault?: Vault
  /** The name of the Partner document. */
  readonly partner: string
  /** Hosts that the document allows to lie in a private network. */
  readonly allowHosts: readonly string[]
}

/** What a credential is wanted for. It is all that the answer may depend on, beside the settings and the secrets. */
export interface Need {
  /** Whom it is for; absent where the credential is the same for all: whoever obtains it then knows nobody. */
  readonly party?: Party
  /** Of the scopes that the settings name, only these; absent: all of them. */
  readonly scopes?: readonly string[]
}

/** What a JWT under our own key is to say (RFC 7523 section 3): our issuer is the identity that the partner trusts. */
export interface Statement {
  readonly subject: string
  readonly audience: string
  readonly ttl: Seconds
  readonly claims?: Readonly<Record<string, Json>>
}

/** What a kind can use while it obtains. */
export interface ObtainTools {
  /** The name of the Partner document. */
  readonly partner: string
  /** Our issuer identifier. */
  readonly issuer: string
  readonly now: Instant
  readonly ports: Pick<Ports, 'clock' | 'digest' | 'ids' | 'signatures'>
  /**
   * Sends a request to the partner, within its limits of time and size. Answers below 500, but for 429, are the kind's to
   * judge; redirects of what is not a GET are refused.
   *
   * @throws Refusal `partner.unavailable`, `partner.timeout`, `partner.invalid_answer`
   */
  readonly send: (request: HttpRequest, limits?: SendLimits) => Promise<HttpResponse>
  /** The value of one of the secrets that the kind names in `secrets`. */
  readonly secret: (kept: KeptSecret) => Secret<string>
  /** Does the document name another credential under `from`? */
  readonly hasInner: boolean
  /** The credential that the document names under `from`, obtained and kept by itself. */
  readonly inner: () => Promise<Obtained>
  /**
   * One step of several, kept by itself under `name` and `inputs` beside everything that the whole depends on.
   */
  readonly hop: (name: string, inputs: readonly Json[], load: () => Promise<Obtained>) => Promise<Obtained>
  /** A JWT of ours for the partner. */
  readonly vouch: (statement: Statement) => Promise<Secret<string>>
  /**
   * What the kind must find again after a restart, such as the refresh token that took the place of another. It is kept
   * encrypted. `write` has kept it when it resolves.
   *
   * @throws Refusal `store.unavailable`
   */
  readonly remembered: {
    read(name: string): Promise<Secret<string> | undefined>
    write(name: string, value: Secret<string>): Promise<void>
  }
}

export interface SendLimits {
  /** The longest body. Default 64 KiB. */
  readonly maxBytes?: number
  /** The client certificate to present (RFC 8705 section 2). */
  readonly clientCertificate?: ClientCertificate
}

/** A header field that a credential is put into: a part of it after a prefix, or a constant. */
export type InjectedHeader =
  | { readonly name: string; readonly prefix?: string | undefined; readonly from: string }
  | { readonly name: string; readonly value: string }

/** What has to be put on a request that is signed. Names are lower-case. */
export interface SignedRequest {
  readonly set: readonly (readonly [name: string, value: Secret<string>])[]
  /** What of the request must not change any more. */
  readonly boundTo: readonly ('method' | 'url' | 'headers' | 'content_sha256')[]
  /** When whoever receives it takes it no longer. */
  readonly expiresAt: Instant
}

/**
 * One kind of partner credential. A kind is one file beside this one and one word in the catalog.
 *
 * `Config` is what a Partner document's `credential` says, `Prepared` is the config with everything done that can be done
 * at load.
 */
export interface Obtainer<Config extends CommonSettings, Prepared> {
  /** Equals the file's name and the word under `type`. */
  readonly kind: string
  /** The keys under `credential`, beside `type`, `perIdentity` and `from`, each with its schema. */
  readonly keys: Readonly<Record<string, z.ZodType>>
  /** It may be obtained with another credential, which the document names under `from`. */
  readonly takesInner?: 'may' | 'must'
  /** Obtaining it twice does no harm, so that it may be tried again after a failure. */
  readonly isRepeatable: boolean
  /** The parts that it yields, in which `inject` may put the most usual one first. */
  parts(config: Config): readonly string[]
  /** Where the parts go when the document does not say; empty for kinds that sign requests. */
  usualHeaders(config: Config): readonly InjectedHeader[]
  /** It says who the party is, so that it differs from one identity to the other. */
  namesParty(config: Config): boolean
  /** The scopes that it asks the partner for; absent: it knows none, so that none can be asked for. */
  scopes?(config: Config): readonly string[]
  /** The URLs that it sends secrets to, by the keys that they stand under. */
  endpoints(config: Config): readonly { readonly at: readonly (string | number)[]; readonly url: string }[]
  /** What is wrong with the keys together; `from` is what stands under that key. */
  remarks?(config: Config, from: unknown): readonly (Remark & { readonly at: readonly (string | number)[] })[]
  /** @throws Error that says which secret or file is missing */
  prepare(config: Config, tools: PrepareTools): Promise<Prepared>
  /** The secrets that it presents. Their versions are part of what the credential depends on. */
  secrets(prepared: Prepared): readonly KeptSecret[]
  /**
   * Obtains a new one.
   *
   * @throws Refusal `partner.refused` when the partner does not take the secrets or the identity; `partner.*`
   */
  obtain(need: Need, prepared: Prepared, tools: ObtainTools): Promise<Obtained>
  /** Header fields, lower-case, that a signature may be over. Whoever tells of all tells of more. */
  signedFields?(config: Config): readonly string[]
  /** Signs one request with what was obtained. Only kinds have it whose credentials are good for one request. */
  sign?(request: OutgoingRequest, credential: Obtained, prepared: Prepared, tools: ObtainTools): Promise<SignedRequest>
  /** Makes it of the grant itself, anew for each. Only `self` has it: nobody is asked, so nothing is kept. */
  issue?(grant: Grant, mint: (grant: Grant) => Promise<IssuedToken>): Promise<Obtained>
}

/** An obtainer of some kind, where the kind does not matter. */
export type AnyObtainer = Obtainer<CommonSettings, unknown>
