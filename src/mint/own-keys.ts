import type { Claims } from '../domain/claims.ts'
import type { JwsAlgorithm, Signatures, VerificationKey } from '../ports/signatures.ts'
import type { KeySet } from '../sources/key-sets.ts'
import { jwksOf, type Keyring } from './keyring.ts'

/** The keys under which tokens of ours can be good: those that are published at the time (RFC 7517 section 5). */
export const ownKeys = (keyring: () => Keyring, signatures: Pick<Signatures, 'importPublicKey'>): KeySet => ({
  async candidates({ alg, kid }, now) {
    const published = jwksOf(keyring(), now).keys.find((jwk) => jwk['kid'] === kid)
    const fits = published?.['alg'] === alg
    return {
      keys: published !== undefined && fits ? [await importedOnce(published, alg, signatures)] : [],
      stale: false,
    }
  },
  stillOffers(key, { kid }, now) {
    const published = jwksOf(keyring(), now).keys.find((jwk) => jwk['kid'] === kid)
    return published !== undefined && ready.get(published) === key ? { stale: false } : undefined
  },
  prefetch: async () => undefined,
  state: () => 'fresh',
})

/** A keyring keeps its JWKs for as long as it lives. */
const imported = new WeakMap<Claims, Promise<VerificationKey>>()
const ready = new WeakMap<Claims, VerificationKey>()

const importedOnce = async (jwk: Claims, alg: JwsAlgorithm, signatures: Pick<Signatures, 'importPublicKey'>) => {
  const importing = imported.get(jwk) ?? signatures.importPublicKey(jwk, alg)
  imported.set(jwk, importing)
  const key = await importing
  ready.set(jwk, key)
  return key
}
