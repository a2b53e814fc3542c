import type { Claims } from '../domain/claims.ts'
import { FormatError } from '../formats/format-error.ts'
import { type UsableKey, usableKeys } from '../formats/jwk.ts'
import type { JwsAlgorithm, Signatures, VerificationKey } from '../ports/signatures.ts'

/** The keys of one set, ready to be looked up. */
export interface KeyIndex {
  readonly keys: readonly UsableKey[]
  readonly byId: ReadonlyMap<string, readonly VerificationKey[]>
  /** What was imported, so that a key which is published again stays the same object. */
  readonly imports: Imports
}

type Imports = ReadonlyMap<string, Promise<VerificationKey>>

/** How many keys a signature is tried with. */
const maxCandidates = 10

/**
 * Imports the keys of a JWK set that can verify under `algorithms`. Keys that `previous` holds are not imported again.
 *
 * @throws FormatError when none is left
 */
export const indexKeys = async (
  jwks: Claims,
  algorithms: readonly JwsAlgorithm[],
  signatures: Signatures,
  previous: KeyIndex | undefined,
): Promise<KeyIndex> => {
  const index = await indexAnyKeys(jwks, algorithms, signatures, previous)
  if (index.keys.length === 0) throw new FormatError('the key set has no key that can be used')
  return index
}

/** The same for a set that may well be empty, and then verifies nothing. */
export const indexAnyKeys = async (
  jwks: Claims,
  algorithms: readonly JwsAlgorithm[],
  signatures: Signatures,
  previous: KeyIndex | undefined,
): Promise<KeyIndex> => {
  const imports = new Map<string, Promise<VerificationKey>>()
  const importPublicKey = (jwk: Claims, algorithm: JwsAlgorithm): Promise<VerificationKey> => {
    const name = `${algorithm} ${JSON.stringify(jwk)}`
    const imported = imports.get(name) ?? previous?.imports.get(name) ?? signatures.importPublicKey(jwk, algorithm)
    imports.set(name, imported)
    return imported
  }
  const keys = await usableKeys(jwks, algorithms, { supported: signatures.supported, importPublicKey })
  return { keys, byId: groupById(keys), imports }
}

const groupById = (keys: readonly UsableKey[]): ReadonlyMap<string, readonly VerificationKey[]> => {
  const groups = new Map<string, VerificationKey[]>()
  for (const { kid, key } of keys) if (kid !== undefined) groups.set(kid, [...(groups.get(kid) ?? []), key])
  return groups
}

/** Is `key` one of those that can have made a signature with a header that names `kid`? */
export const isCandidate = ({ keys, byId }: KeyIndex, key: VerificationKey, { kid }: { readonly kid?: string }) =>
  kid === undefined ? keys.some((one) => one.key === key) : byId.get(kid)?.includes(key) === true

/** The keys that can have made a signature with this header; undefined when the set does not know the key it names. */
export const candidatesFor = (
  index: KeyIndex,
  { alg, kid }: { readonly alg: JwsAlgorithm; readonly kid?: string },
): readonly VerificationKey[] | undefined => {
  const known = kid === undefined ? index.keys.map(({ key }) => key) : index.byId.get(kid)
  const fitting = known?.filter((key) => key.algorithm === alg).slice(0, maxCandidates)
  return kid === undefined && fitting?.length === 0 ? undefined : fitting
}
