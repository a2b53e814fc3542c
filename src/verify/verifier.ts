import type * as z from 'zod'
import type { Claims } from '../domain/claims.ts'
import type { Credential, VerifiedCredential } from '../domain/credential.ts'
import type { Fault } from '../domain/fault.ts'
import type { Instant } from '../domain/time.ts'
import type { TokenType } from '../domain/token-type.ts'
import type { Trace } from '../domain/trace.ts'
import type { Ports } from '../ports/ports.ts'
import type { Watched } from '../sources/kept-fresh.ts'
import type { KeySet, KeySets } from '../sources/key-sets.ts'
import type { Outbound } from '../sources/outbound.ts'

/** What a verifier may use. */
export interface Tools {
  /** Our issuer identifier. */
  readonly issuer: string
  /** Where clients with certificates reach us, if not at the issuer's URL (RFC 8705 section 5). */
  readonly mtlsAlias?: string
  readonly ports: Ports
  readonly keySets: KeySets
  /** Our own keys, as far as they are published. */
  readonly ownKeys: KeySet
  readonly outbound: Outbound
}

/** For how long what was proven can be taken for proven again without asking anybody. */
export interface Lasting {
  /** From then on it would be refused for its own times. */
  readonly until: Instant
  /** Until then: does it still hold by the keys that are known without waiting? Undefined: it has to be proven anew. */
  stillHolds(now: Instant): { readonly stale: boolean } | undefined
}

/**
 * One kind of credential. A kind is one file beside this one and one word in the catalog.
 *
 * `Config` is what a trust map's `source.<kind>` says, `Presented` is the credential taken apart but not believed,
 * `Prepared` is the config with everything done that can be done at load.
 */
export interface Verifier<Config, Presented, Prepared> {
  /** Equals the file's name and the key under `source`. */
  readonly kind: string
  /** The subject_token_types that may carry this kind. */
  readonly tokenTypes: readonly TokenType[]
  readonly schema: z.ZodType<Config>
  /** Its credentials say who somebody is in our own terms, so that a rule may take that as it is: `identity: same`. */
  readonly isCanonical?: true
  /**
   * Every issuer that `config` speaks for, as `issuerOf` will name it. Two enabled maps must not claim the same one with
   * overlapping audiences. `us` is there where it is known who we are: the documents do not say.
   */
  issuers(config: Config, us?: Pick<Tools, 'issuer'>): readonly string[]
  /** The audiences that `config` accepts in a credential. */
  audiences(config: Config): readonly string[]
  /** The clients that alone may present credentials of this source, if `config` names any. */
  clients(config: Config): readonly string[] | undefined
  /** The faults that only this kind can see. `insecureLoopback`: may plain http to this machine be used (dev)? */
  lint(config: Config, options: { insecureLoopback: boolean }): readonly Omit<Fault, 'location'>[]
  /** Opens key sets and the like. Does not wait for the network. */
  prepare(config: Config, tools: Tools): Promise<Prepared>
  /** The key sets and bundles that were opened: to be fetched before the first request and watched for readiness. */
  keySets(prepared: Prepared): readonly Watched[]
  /** Takes a credential apart. Undefined: not of this kind. Throws a Refusal when it is of this kind and broken. */
  read(credential: Credential, us: Pick<Tools, 'issuer'>): Presented | undefined
  /**
   * Opens a credential that is encrypted to us, with the keys of any source of the kind: who issued it can only be seen
   * then. Only kinds have it that can be encrypted. What is not encrypted is returned as it is.
   *
   * @throws Refusal
   */
  unseal?(presented: Presented, prepared: readonly Prepared[], tools: Tools): Presented | Promise<Presented>
  /** The issuer that the credential claims to come from; undefined when the kind cannot tell before asking (opaque tokens). */
  issuerOf(presented: Presented): string | undefined
  /** The audiences that the credential claims to be for, to choose between maps of one issuer. Not believed. */
  audiencesOf(presented: Presented, prepared: Prepared, now: Instant): readonly string[]
  /** Proves the credential under `prepared` or throws a Refusal. */
  verify(
    presented: Presented,
    prepared: Prepared,
    now: Instant,
    tools: Tools,
    trace: Trace,
  ): Promise<VerifiedCredential>
  /**
   * For how long `proven`, which `verify` has just yielded of `presented`, lasts; undefined: only for the one time. Absent
   * in kinds whose credentials are judged by what has to be asked for every time.
   */
  lasting?(presented: Presented, prepared: Prepared, proven: VerifiedCredential, tools: Tools): Lasting | undefined
  /**
   * What a credential with these claims would prove, as far as claims alone can tell: for policy tests. Only kinds have
   * it whose credentials are not claims themselves, such as certificates; fixtures of the others are read as tokens.
   *
   * @throws Refusal
   */
  assume?(claims: Claims, config: Config, now: Instant): VerifiedCredential
}

/** A verifier of some kind, where the kind does not matter. */
export type AnyVerifier = Verifier<unknown, unknown, unknown>
