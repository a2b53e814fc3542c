import { Refusal } from '../domain/refusal.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import type { Files } from '../ports/files.ts'
import type { Ports } from '../ports/ports.ts'
import type { JwsAlgorithm, VerificationKey } from '../ports/signatures.ts'
import { type JwksPlace, jwksGetter } from './jwks-document.ts'
import { type Held, type KeptFresh, keptFresh, type Watched, watched } from './kept-fresh.ts'
import { candidatesFor, indexKeys, isCandidate, type KeyIndex } from './key-index.ts'
import type { Outbound } from './outbound.ts'

/** Whose keys, which of them may be used, and how long through an outage. */
export interface KeySetSpec extends JwksPlace {
  readonly algorithms: readonly JwsAlgorithm[]
  /** The outage budget: how long after the last successful fetch known keys stay in use when no new fetch succeeds. */
  readonly staleFor: Seconds
}

export interface Candidates {
  /** Keys that can have made the signature, at most ten. Empty: the key is not known, even after a permitted refetch. */
  readonly keys: readonly VerificationKey[]
  /** These keys are past their freshness and could not be refreshed. */
  readonly stale: boolean
}

export interface KeySet extends Watched {
  /** Throws a Refusal `keys.unavailable` when there are no keys to judge with. */
  candidates(header: KeyHint, now: Instant): Promise<Candidates>
  /**
   * Is `key` still one of those that `candidates` would yield, as far as that is known without waiting? Undefined: it is
   * not, or it is not known.
   */
  stillOffers(key: VerificationKey, header: KeyHint, now: Instant): Pick<Candidates, 'stale'> | undefined
}

/** What a JWS header says of the key that made its signature. */
export interface KeyHint {
  readonly alg: JwsAlgorithm
  readonly kid?: string
}

/** All key sets in use. The same spec yields the same set, so that a reload of the documents costs no fetch. */
export interface KeySets {
  open(spec: KeySetSpec): KeySet
}

type KeySetPorts = Pick<Ports, 'signatures' | 'log'> & { readonly files: Pick<Files, 'read'> }

/** The key sets, and what keeps their number bounded. */
export interface SweptKeySets extends KeySets {
  /** Forgets the sets that were not opened since the last sweep. Called when the documents of a load are in force. */
  sweep(): void
}

/** All key sets of a deployment, fetched through `outbound` as they are needed. */
export const createKeySets = (tools: { readonly ports: KeySetPorts; readonly outbound: Outbound }): SweptKeySets => {
  const sets = new Map<string, KeySet>()
  const opened = new Set<string>()
  return {
    open(spec) {
      const name = canonicalName(spec)
      const keySet = sets.get(name) ?? createKeySet(spec, tools.ports, tools.outbound)
      sets.set(name, keySet)
      opened.add(name)
      return keySet
    },
    sweep() {
      for (const name of sets.keys()) if (!opened.has(name)) sets.delete(name)
      opened.clear()
    },
  }
}

/** The same for specs that mean the same. */
const canonicalName = ({ algorithms, allowHosts, jwks, ...spec }: KeySetSpec): string =>
  JSON.stringify([
    spec.issuer ?? null,
    spec.discoveryURL ?? null,
    spec.jwksURI ?? null,
    spec.jwksFile ?? null,
    jwks ?? null,
    spec.staleFor,
    algorithms.toSorted(),
    allowHosts.toSorted(),
  ])

const createKeySet = (spec: KeySetSpec, ports: KeySetPorts, outbound: Outbound): KeySet => {
  const getJwks = jwksGetter(spec, { files: ports.files, outbound })
  let previous: KeyIndex | undefined
  const source = keptFresh<KeyIndex>({
    staleFor: spec.staleFor,
    async load(now) {
      const { members, freshFor } = await getJwks(now)
      previous = await indexKeys(members, spec.algorithms, ports.signatures, previous)
      return { value: previous, freshFor }
    },
    onFailure: (error, state) =>
      ports.log.warn('a key set could not be loaded', {
        source: nameOf(spec),
        error: error instanceof Error ? error.message : 'unknown',
        keys: state,
      }),
  })
  return keySetOf(source, nameOf(spec))
}

/** The key set that `source` keeps fresh; `name` is for people. */
export const keySetOf = (source: KeptFresh<KeyIndex>, name: string): KeySet => ({
  ...watched(source),
  candidates: (header, now) => candidatesFrom(source, name, header, now),
  stillOffers(key, header, now) {
    const held = source.atOnce(now)
    return held !== undefined && isCandidate(held.value, key, header) ? held : undefined
  },
})

/** For people: which set it is. */
const nameOf = (spec: KeySetSpec): string =>
  spec.jwksURI ?? spec.jwksFile ?? (spec.jwks === undefined ? (spec.issuer ?? '') : 'jwks in the document')

const candidatesFrom = async (
  source: KeptFresh<KeyIndex>,
  name: string,
  header: KeyHint,
  now: Instant,
): Promise<Candidates> => {
  const held = await orUnavailable(source.get(now), name)
  const keys = candidatesFor(held.value, header)
  if (keys !== undefined) return { keys, stale: held.stale }
  const renewed = held.justLoaded ? held : await orUnavailable(source.refresh(now), name)
  const found = candidatesFor(renewed.value, header)
  if (found === undefined && renewed.failing)
    throw new Refusal('keys.unavailable', `an unknown key, and the keys of ${name} cannot be renewed`)
  return { keys: found ?? [], stale: renewed.stale }
}

const orUnavailable = async (held: Promise<Held<KeyIndex>>, name: string): Promise<Held<KeyIndex>> => {
  try {
    return await held
  } catch (cause) {
    throw new Refusal('keys.unavailable', `the keys of ${name} cannot be had`, { cause })
  }
}
